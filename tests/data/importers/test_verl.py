import polars as pl
import pytest

from rl_router.data.importers import IMPORTERS
from rl_router.data.importers.verl import question_text
from rl_router.errors import DataError


def message(role, content):
    return {"role": role, "content": content}


def record(text="What is 6 times 7?", truth="42", rate=0.25, index=0, system=None):
    prompt = [message("user", text)] if system is None else [message("system", system), message("user", text)]
    return {
        "data_source": "math__demo",
        "prompt": prompt,
        "ability": "math",
        "reward_model": {"style": "rule", "ground_truth": truth},
        "qwen2.5_7b_pass_rate": rate,
        "extra_info": {"index": index, "split": "train", "big_pass_rate": 1.0},
    }


def read(tmp_path, *records, method="read"):
    pl.DataFrame(list(records)).write_parquet(tmp_path / "train.parquet")
    return getattr(IMPORTERS["verl"], method)([tmp_path])


def test_pass_rates_of_models_are_scores(tmp_path):
    table = read(tmp_path, record(), record(text="Next?", rate=None, index=1))
    cells = {(row["query_id"], row["model"]): row["score"] for row in table.frame.iter_rows(named=True)}
    assert cells == {
        ("math__demo/train/0", "big"): 1.0,
        ("math__demo/train/0", "qwen2.5_7b"): 0.25,
        ("math__demo/train/1", "big"): 1.0,
    }
    assert table.queries()[0].answers == ("42",)


def test_xrouters_instructions_are_taken_off_and_its_repetitions_are_one_query(tmp_path):
    routed = "USER QUERY: \nWhat is 6 times 7?"
    table = read(tmp_path, record(routed, system="You route."), record(routed, index=1, system="You route."))
    assert [q.text for q in table.queries()] == ["What is 6 times 7?"]
    with_system = "USER SYSTEM: \nBe brief.\nUSER QUERY: \nWhy?"
    assert question_text([message("system", "You route."), message("user", with_system)]) == "Be brief.\n\nWhy?"


def test_a_system_prompt_of_the_users_own_is_part_of_the_question():
    assert question_text([message("system", "Be brief."), message("user", "Why?")]) == "Be brief.\n\nWhy?"


def test_router_r1s_targets_are_accepted_answers(tmp_path):
    queries = read(tmp_path, record(truth={"target": ["Paris", "paris city"]}), method="queries")
    assert queries[0].answers == ("Paris", "paris city")


def test_without_pass_rates_the_questions_can_still_be_had(tmp_path):
    bare = {k: v for k, v in record().items() if k != "qwen2.5_7b_pass_rate"} | {"extra_info": {"index": 3}}
    with pytest.raises(DataError, match="records no pass rate of any model .* with --queries"):
        read(tmp_path, bare)
    (query,) = read(tmp_path, bare, method="queries")
    assert (query.query_id, query.text, query.answers) == ("math__demo/train/3", "What is 6 times 7?", ("42",))


def test_two_files_that_count_alike_keep_their_questions_apart(tmp_path):
    pl.DataFrame([record("One?")]).write_parquet(tmp_path / "a_train.parquet")
    pl.DataFrame([record("Two?")]).write_parquet(tmp_path / "b_train.parquet")
    table = IMPORTERS["verl"].read([tmp_path])
    assert [q.text for q in table.queries()] == ["One?", "Two?"]


def test_what_holds_no_prompts_is_refused(tmp_path):
    with pytest.raises(DataError, match="lacks reward_model"):
        read(tmp_path, {"data_source": "a", "prompt": "b"})
    with pytest.raises(DataError, match="has no chat messages"):
        read(tmp_path, {"data_source": "a", "prompt": "b", "reward_model": {"ground_truth": "c"}})
