import json

import pytest

from rl_router.data.importers import IMPORTERS
from rl_router.errors import DataError

LINE = {
    "task_name": "gsm8k",
    "query": "What is 6 times 7?",
    "ground_truth": "42",
    "metric": "GSM8K",
    "choices": None,
    "task_id": None,
    "model_name": "small",
    "response": "It is 42.",
    "token_num": 130,
    "input_tokens": 100,
    "output_tokens": 30,
    "response_time": 1.5,
    "api_key_used": "sk-not-for-others",
    "performance": 1.0,
    "embedding_id": 7,
    "user_id": None,
    "fig_id": None,
}
PRICES = {
    "small": {"size": "7B", "feature": "A small one.", "input_price": 0.2, "output_price": 0.4, "model": "x/small"},
    "large": {"size": "70B", "feature": "A large one.", "input_price": 1.0, "output_price": 3.0, "model": "x/large"},
}


def folder(tmp_path, prices=PRICES, **splits):
    for split, lines in splits.items():
        text = "".join(json.dumps(LINE | line) + "\n" for line in lines)
        (tmp_path / f"default_routing_{split}_data.jsonl").write_text(text)
    if prices:
        (tmp_path / "default_llm.json").write_text(json.dumps(prices))
    return IMPORTERS["llmrouter"].read([tmp_path])


def test_a_line_becomes_a_row_with_the_price_of_its_tokens(tmp_path):
    table = folder(tmp_path, train=[{}, {"model_name": "large", "performance": 0.0}])
    small, large = table.frame.iter_rows(named=True)
    # (100 × 0.2 + 30 × 0.4) and (100 × 1 + 30 × 3) per million
    assert (small["cost_usd"], large["cost_usd"]) == (pytest.approx(32e-6), pytest.approx(190e-6))
    assert {key: small[key] for key in ("split", "query_id", "task", "ground_truth", "model", "score", "response")} == {
        "split": "train", "query_id": "train/0", "task": "gsm8k", "ground_truth": "42", "model": "small", "score": 1.0,
        "response": "It is 42.",
    }  # fmt: skip
    assert (small["prompt_tokens"], small["completion_tokens"], small["latency_s"]) == (100, 30, 1.5)


def test_a_query_in_both_splits_has_an_id_in_each(tmp_path):
    table = folder(tmp_path, train=[{}], test=[{}])
    assert set(table.query_ids) == {"train/0", "test/0"}


def test_a_failed_call_is_not_graded_and_its_text_is_no_answer(tmp_path):
    table = folder(tmp_path, train=[{"response": "ERROR: timed out", "performance": 0.0, "output_tokens": 0}])
    (row,) = table.frame.iter_rows(named=True)
    assert (row["score"], row["response"], row["cost_usd"], row["completion_tokens"]) == (None, None, None, None)


def test_the_api_key_of_a_line_stays_behind(tmp_path):
    table = folder(tmp_path, train=[{}])
    table.write(tmp_path / "table.parquet")
    assert b"sk-not-for-others" not in (tmp_path / "table.parquet").read_bytes()
    assert "sk-not-for-others" not in str(table.frame.rows())


def test_choices_written_as_python_are_read_as_data(tmp_path):
    choices = "{'text': ['one', \"it's two\"], 'labels': ['A', 'B']}"
    table = folder(tmp_path, train=[{"choices": choices}])
    assert json.loads(table.frame["choices"][0]) == {"text": ["one", "it's two"], "labels": ["A", "B"]}


def test_choices_are_never_executed(tmp_path):
    ran = tmp_path / "ran"
    table = folder(tmp_path, train=[{"choices": f"__import__('pathlib').Path({str(ran)!r}).touch()"}])
    assert table.frame.height == 1 and not ran.exists()


def test_the_same_model_asked_twice_makes_two_queries(tmp_path):
    table = folder(tmp_path, train=[{}, {"performance": 0.0}, {"model_name": "large"}])
    assert table.matrix("score", ["train/0", "train/1"], ["small"]).tolist() == [[1.0], [0.0]]
    assert table.cell("train/0", "large") is not None


def test_a_list_of_accepted_answers_stays_a_list(tmp_path):
    table = folder(tmp_path, train=[{"ground_truth": ["42", "forty-two"]}])
    assert table.queries()[0].answers == ("42", "forty-two")


def test_without_prices_the_tokens_remain(tmp_path):
    row = folder(tmp_path, prices=None, train=[{}]).frame.row(0, named=True)
    assert (row["cost_usd"], row["prompt_tokens"]) == (None, 100)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("not json\n", "Line 1 of"),
        ('{"model_name": "a"}\n', "lacks task_name, query, performance"),
        ('{"query": "a"}\n', "holds no routing file of LLMRouter"),
        ("", "holds no routing file of LLMRouter"),
    ],
)
def test_what_is_no_routing_file_is_refused_in_one_sentence(tmp_path, content, says):
    (tmp_path / "default_routing_train_data.jsonl").write_text(content)
    with pytest.raises(DataError) as error:
        IMPORTERS["llmrouter"].read([tmp_path])
    assert says in str(error.value) and "\n" not in str(error.value)


def test_a_path_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(DataError, match="There is no file or folder"):
        IMPORTERS["llmrouter"].read([tmp_path / "none"])


def test_foreign_files_of_a_folder_are_passed_over_and_named(tmp_path, capsys):
    (tmp_path / "package.json").write_text('{"name": "x", "version": [1]}')
    (tmp_path / "broken.json").write_text("{")
    (tmp_path / "list.json").write_text("[1, 2]")
    (tmp_path / "log.jsonl").write_text("no JSON at all\n")
    (tmp_path / "query_data_train.jsonl").write_text('{"task_name": "gsm8k", "query": "?"}\n')
    table = folder(tmp_path, train=[{}])
    assert table.query_ids == ("train/0",) and table.frame["cost_usd"].to_list() == [pytest.approx(32e-6)]
    said = capsys.readouterr().err
    for name in ("package.json", "broken.json", "list.json", "log.jsonl"):
        assert name in said
    for own in ("default_llm.json", "default_routing_train_data.jsonl", "query_data_train.jsonl"):
        assert own not in said


def test_what_was_named_or_is_llmrouters_own_is_not_passed_over(tmp_path):
    folder(tmp_path, train=[{}])
    (tmp_path / "broken.json").write_text("{")
    with pytest.raises(DataError, match="broken.json is not valid JSON"):
        IMPORTERS["llmrouter"].read([tmp_path / "default_routing_train_data.jsonl", tmp_path / "broken.json"])
    with pytest.raises(DataError, match="default_llm.json has a model without input_price"):
        folder(tmp_path, train=[{}], prices=PRICES | {"third": {"feature": "No price."}})
    with pytest.raises(DataError, match="Line 2 of .*train_data.jsonl is no JSON object"):
        (tmp_path / "default_llm.json").unlink()
        with open(tmp_path / "default_routing_train_data.jsonl", "a") as file:
            file.write("{\n")
        IMPORTERS["llmrouter"].read([tmp_path])
