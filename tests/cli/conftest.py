"""A finished classical run whose answer is known: small is right on poems, large on everything and dearer by ten."""

import shutil

import polars as pl
import pytest

from rl_router import cli

COSTS = {"small": 0.001, "large": 0.01}


def rows():
    for i in range(60):
        word = "poem" if i % 3 else "proof"  # two of three are poems
        for model, cost_usd in COSTS.items():
            right = model == "large" or word == "poem"
            yield {
                "dataset": "made_up", "split": "test" if i % 5 == 0 else "train", "query_id": f"q{i:02d}",
                "query": f"{word} number{i}", "task": word, "ground_truth": None, "model": model,
                "score": float(right), "cost_usd": cost_usd, "prompt_tokens": 10, "completion_tokens": 20,
                "response": "yes" if right else "no",
            }  # fmt: skip


@pytest.fixture(scope="session")
def trained(tmp_path_factory):
    """The folder in which `rl-router train knn` was run, with its table."""
    folder = tmp_path_factory.mktemp("trained")
    pl.DataFrame(list(rows()), schema_overrides={"ground_truth": pl.String}).write_parquet(folder / "table.parquet")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        assert cli.main(["train", "knn", "data=table.parquet", "router.k=8", "router.prior=0"]) == 0
        cascade = ["train", "knn", "data=table.parquet", "router.k=8", "rule=cascade", "rule.length=2", "name=cascade"]
        assert cli.main(cascade) == 0
    return folder


@pytest.fixture
def here(trained, tmp_path, monkeypatch):
    """A copy of it to work in; the table stays where the runs' configs say it is."""
    shutil.copytree(trained / "runs", tmp_path / "runs")
    shutil.copy(trained / "table.parquet", tmp_path / "table.parquet")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def ask(capsys):
    """Run a command that must succeed, and return what it printed."""

    def run(*arguments):
        capsys.readouterr()
        assert cli.main(list(map(str, arguments))) == 0, capsys.readouterr().err
        return capsys.readouterr().out

    return run


@pytest.fixture
def heard(here, capsys):
    """Run a command that must succeed, and return what it said on standard error."""

    def run(*arguments):
        capsys.readouterr()
        assert cli.main(list(map(str, arguments))) == 0
        return capsys.readouterr().err

    return run


@pytest.fixture
def refused(capsys):
    """Run a command that must be refused in one line, and return that line."""

    def run(*arguments):
        capsys.readouterr()
        assert cli.main(list(map(str, arguments))) == 2
        error = capsys.readouterr().err
        assert error.count("\n") == 1
        return error

    return run
