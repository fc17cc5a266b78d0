import polars as pl

from rl_router import cli
from rl_router.cli.data_import import FORMATS
from rl_router.data.importers import IMPORTERS
from rl_router.data.queries import read_queries


def verl_file(tmp_path):
    row = {
        "data_source": "demo",
        "prompt": [{"role": "user", "content": "Six times seven?"}],
        "reward_model": {"style": "rule", "ground_truth": "42"},
        "extra_info": {"index": 0},
    }
    pl.DataFrame([row]).write_parquet(tmp_path / "train.parquet")
    return str(tmp_path / "train.parquet")


def test_the_questions_of_a_prompt_file_become_a_queries_file(tmp_path, capsys):
    out = tmp_path / "queries.parquet"
    assert cli.main(["data", "import", "verl", verl_file(tmp_path), "--queries", "--out", str(out)]) == 0
    assert [query.text for query in read_queries(out)] == ["Six times seven?"]
    assert capsys.readouterr().out == f"{out}: 1 queries\n"


def test_a_refused_import_exits_with_2_and_writes_nothing(tmp_path, capsys):
    out = tmp_path / "table.parquet"
    assert cli.main(["data", "import", "verl", verl_file(tmp_path), "--out", str(out)]) == 2
    assert "import its questions with --queries" in capsys.readouterr().err
    assert cli.main(["data", "import", "routellm", str(tmp_path), "--queries", "--out", str(out)]) == 2
    assert "--queries is for verl" in capsys.readouterr().err
    assert not out.exists()


def test_every_format_has_a_command():
    assert set(FORMATS) == set(IMPORTERS)
