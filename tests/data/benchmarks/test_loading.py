import json
import sys
from types import ModuleType

import polars as pl
import pytest

from rl_router.data.benchmarks import BENCHMARKS
from rl_router.data.benchmarks.loading import load_rows, local_rows, merged, read_rows
from rl_router.errors import DataError

ROWS = [{"question": "1 + 1?", "answer": "It is 2.\n#### 2"}, {"question": "2 + 2?", "answer": "#### 4"}]
GSM8K = BENCHMARKS.get("gsm8k")


def write_lines(path, rows=ROWS):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def test_parquet_json_lines_and_a_json_list_hold_the_same_rows(tmp_path):
    pl.DataFrame(ROWS).write_parquet(tmp_path / "a.parquet")
    write_lines(tmp_path / "a.jsonl")
    (tmp_path / "a.json").write_text(json.dumps(ROWS))
    (tmp_path / "b.json").write_text(json.dumps({"canary": "x", "examples": ROWS}))
    for name in ("a.parquet", "a.jsonl", "a.json", "b.json"):
        assert list(read_rows(tmp_path / name)) == ROWS


def test_a_folder_gives_the_files_of_a_split_by_our_name_or_theirs_with_their_configuration(tmp_path):
    write_lines(tmp_path / "main" / "train-00000-of-00001.jsonl", ROWS[:1])
    write_lines(tmp_path / "main" / "test-00000-of-00001.jsonl", ROWS[1:])
    write_lines(tmp_path / "latest.jsonl")  # begins with no split's name
    assert list(load_rows(GSM8K, "train", tmp_path)) == [ROWS[0] | {"_config": "main"}]
    write_lines(tmp_path / "other" / "validation.jsonl", ROWS[:1])
    assert list(local_rows(tmp_path / "other", "val", "validation")) == ROWS[:1]


def test_a_file_whose_rows_name_their_split_gives_each_split_its_own(tmp_path):
    path = write_lines(tmp_path / "all.jsonl", [{**ROWS[0], "split": "train"}, {**ROWS[1], "split": "validation"}])
    assert [row["question"] for row in local_rows(path, "train", "train")] == ["1 + 1?"]
    assert [row["question"] for row in local_rows(path, "val", "validation")] == ["2 + 2?"]


@pytest.mark.parametrize(
    ("text", "says"),
    [('{"a": 1}\n{"a":', "Line 2 of .* is no JSON"), ('{"a": 1}\n5\n', "Line 2 of .* is no JSON object")],
)
def test_a_broken_line_is_named(tmp_path, text, says):
    (tmp_path / "a.jsonl").write_text(text)
    with pytest.raises(DataError, match=says):
        list(read_rows(tmp_path / "a.jsonl"))


def test_a_path_that_is_not_there_or_holds_no_such_split_is_one_sentence(tmp_path):
    with pytest.raises(DataError, match="There is no file or folder"):
        list(load_rows(GSM8K, "test", tmp_path / "none"))
    with pytest.raises(DataError, match="no .parquet or .jsonl file whose name begins with 'test'"):
        list(load_rows(GSM8K, "test", tmp_path))
    (tmp_path / "a.csv").write_text("a")
    with pytest.raises(DataError, match="should end in one of .parquet, .jsonl, .json"):
        list(load_rows(GSM8K, "test", tmp_path / "a.csv"))


def test_questions_and_answers_in_two_files_become_one_row():
    rows = [{"id": "a", "question": 1}, {"id": "b", "question": 2}, {"id": "b", "ground_truth": 3}]
    assert list(merged(rows, "id")) == [{"id": "a", "question": 1}, {"id": "b", "question": 2, "ground_truth": 3}]


@pytest.fixture
def hub(monkeypatch):
    """Stands in for `datasets` and `huggingface_hub`; returns what they were asked for."""
    asked = []
    datasets, files = ModuleType("datasets"), ModuleType("huggingface_hub")

    def load_dataset(name, config, *, split):
        asked.append((name, config, split))
        return [{"input": "x", "target": "(A)"}]

    def hf_hub_download(name, file, *, repo_type):
        asked.append((name, file, repo_type))
        raise ConnectionError("no route\nto host")

    datasets.load_dataset, files.hf_hub_download = load_dataset, hf_hub_download
    monkeypatch.setitem(sys.modules, "datasets", datasets)
    monkeypatch.setitem(sys.modules, "huggingface_hub", files)
    return asked


def test_the_hub_is_asked_for_each_configuration_by_its_own_split_name(hub):
    assert list(load_rows(GSM8K, "test")) == [{"input": "x", "target": "(A)", "_config": "main"}]
    assert hub == [("openai/gsm8k", "main", "test")]
    hub.clear()
    rows = list(load_rows(BENCHMARKS.get("bbh"), "test"))
    assert [row["_config"] for row in rows[:2]] == ["boolean_expressions", "causal_judgement"]
    assert len(hub) == 27
    hub.clear()
    list(load_rows(BENCHMARKS.get("popqa"), "test"))
    assert hub == [("akariasai/PopQA", None, "test")]


def test_a_hub_that_cannot_be_reached_is_one_sentence(hub):
    with pytest.raises(DataError, match="livecodebench .test6.jsonl of .*no route to host.*name a local copy") as error:
        list(load_rows(BENCHMARKS.get("livecodebench"), "test"))
    assert "\n" not in str(error.value)


def test_without_datasets_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "datasets", None)
    with pytest.raises(DataError, match="pip install 'rl-router\\[data\\]'"):
        list(load_rows(GSM8K, "test"))
