"""Every benchmark that the shared questions hold, on all of its real rows: its own answers are right, nothing leaks.

The file has a shape of its own, so each row is first put into the shape of the benchmark's hub set.
"""

import ast
import json
from pathlib import Path

import polars as pl
import pytest

from rl_router.data.benchmarks import BENCHMARKS
from rl_router.data.benchmarks.validation import validate, validate_shape

QUESTIONS = Path(__file__).parents[3].parent / "shared" / "data" / "benchmarks" / "questions.parquet"
SPLIT_MARK = "<|answer_split|>"
BOXED_REQUEST = "\nPlease reason step by step, and put your final answer within \\boxed{}."


def rows(benchmark, source):
    """Pairs of our split and a row as the hub has it."""
    frame = pl.read_parquet(QUESTIONS)
    chosen = frame.filter(pl.col("benchmark").str.contains(f"^(?:{source})$"))
    for row in chosen.iter_rows(named=True):
        row["meta"] = json.loads(row["meta"] or "{}")
        row["id"] = row["query_id"].split("/", 2)[2]
        yield {"dev": "test", "all": "test"}.get(row["split"], row["split"]), SHAPES[benchmark](row)


def answers(row):
    return row["ground_truth"].split(SPLIT_MARK)


def lists(choices):
    return ast.literal_eval(choices)


def arc(row):
    choices = json.loads(row["choices"])
    listed = {"label": list(choices), "text": list(choices.values())}
    return {"id": row["id"], "question": row["query"], "choices": listed, "answerKey": row["ground_truth"]}


def mmlu(row):
    options = lists(row["choices"])
    return {"question": row["query"], "choices": options, "answer": "ABCD".index(row["ground_truth"]), "subject": ""}


def bfcl(row):
    shape = {"id": row["id"], "question": [[{"role": "user", "content": row["query"]}]], **row["meta"]}
    return shape if row["ground_truth"] is None else {**shape, "ground_truth": json.loads(row["ground_truth"])}


def bbh(row):
    task = row["benchmark"].partition(":")[2]
    return {"input": row["query"], "target": row["ground_truth"], "_config": task}


def trivia(row):
    value, *aliases = answers(row)
    return {"question_id": row["id"], "question": row["query"], "answer": {"value": value, "aliases": aliases}}


def mt_bench(row):
    return {"question_id": row["id"], "reference": lists(row["ground_truth"] or "[]"), **row["meta"]}


SHAPES = {
    "natural_questions": lambda row: {"question": row["query"], "answer": json.loads(row["ground_truth"])},
    "trivia_qa": trivia,
    "popqa": lambda row: {"id": row["id"], "question": row["query"], "possible_answers": json.dumps(answers(row))},
    "hotpotqa": lambda row: {"id": row["id"], "question": row["query"], "answer": row["ground_truth"]},
    "2wiki": lambda row: {"id": row["id"], "question": row["query"], "answer": row["ground_truth"]},
    "musique": lambda row: {
        "id": row["id"],
        "question": row["query"],
        "answer": answers(row)[0],
        "answer_aliases": answers(row)[1:],
        "answerable": True,
    },
    "bamboogle": lambda row: {"Question": row["query"], "Answer": row["ground_truth"]},
    "mmlu": mmlu,
    "commonsense_qa": lambda row: {
        "id": row["id"],
        "question": row["query"],
        "choices": lists(row["choices"]),
        "answerKey": row["ground_truth"],
    },
    "openbook_qa": lambda row: {
        "id": row["id"],
        "question_stem": row["query"],
        "choices": lists(row["choices"]),
        "answerKey": row["ground_truth"],
    },
    "arc_challenge": arc,
    "gsm8k": lambda row: {"question": row["query"], "answer": row["ground_truth"]},
    "math": lambda row: {
        "problem": row["query"],
        "solution": row["ground_truth"],
        "type": "Algebra",
        "level": "Level 1",
    },
    "math500": lambda row: {
        "problem": row["query"].removesuffix(BOXED_REQUEST),
        "answer": row["ground_truth"],
        "unique_id": row["id"],
    },
    "aime24": lambda row: {
        "ID": row["id"],
        "Problem": row["query"].removesuffix(BOXED_REQUEST),
        "Answer": int(row["ground_truth"]),
    },
    "aime25": lambda row: {
        "id": row["id"],
        "problem": row["query"].removesuffix(BOXED_REQUEST),
        "answer": row["ground_truth"],
    },
    "mbpp": lambda row: {"task_id": int(row["id"]), "text": row["query"], "code": row["ground_truth"], **row["meta"]},
    "humaneval": lambda row: {
        "task_id": row["id"],
        "prompt": row["query"],
        "canonical_solution": row["ground_truth"],
        **row["meta"],
    },
    "mt_bench": mt_bench,
    "bbh": bbh,
    "bfcl": bfcl,
}
SOURCES = {
    "natural_questions": "nq_open",
    "trivia_qa": "qa7:triviaqa",
    "popqa": "qa7:popqa",
    "hotpotqa": "qa7:hotpotqa",
    "2wiki": "qa7:2wiki",
    "musique": "qa7:musique",
    "bamboogle": "qa7:bamboogle",
    "mmlu": "llmrouter:mmlu",
    "commonsense_qa": "llmrouter:commonsense_qa",
    "openbook_qa": "llmrouter:openbook_qa",
    "arc_challenge": "arc_challenge",
    "gsm8k": "gsm8k",
    "math": "llmrouter:math",
    "math500": "math500",
    "aime24": "aime24",
    "aime25": "aime25",
    "mbpp": "mbpp",
    "humaneval": "humaneval",
    "mt_bench": "mt_bench",
    "bbh": "bbh:.*",
    "bfcl": "bfcl_v4:.*",
}

pytestmark = pytest.mark.skipif(not QUESTIONS.is_file(), reason=f"needs the real questions in {QUESTIONS}")
SLOW = {"mbpp": 12, "humaneval": 8}  # their answers are programs to run; the rest of the rows are checked for shape


def questions(name):
    benchmark = BENCHMARKS.get(name)
    made = [benchmark.query(row, split, number) for number, (split, row) in enumerate(rows(name, SOURCES[name]))]
    return [query for query in made if query is not None]


@pytest.mark.parametrize("name", sorted(SOURCES))
def test_a_benchmarks_own_answers_are_right_its_ids_unique_and_its_splits_apart(name):
    queries = questions(name)
    assert len(queries) >= 30
    assert validate_shape(queries) == []
    assert validate(queries[: SLOW.get(name)]) == []
    assert {query.dataset for query in queries} == {name}


def test_the_number_of_questions_is_the_sources():
    assert len(questions("gsm8k")) == 7473 + 1319
    assert len(questions("arc_challenge")) == 1119 + 299 + 1172
    assert len(questions("bfcl")) == 240 + 1053 + 16 + 24 + 258 + 200 + 200 + 200 + 400


def test_options_labelled_with_digits_stay_digits():
    digits = [query for query in questions("arc_challenge") if "1" in query.choices]
    assert len(digits) > 40
    assert all(query.answers[0] in query.choices and "\n1. " in query.text for query in digits)


def test_the_unit_tests_of_mbpp_reach_the_prompt():
    for query in questions("mbpp"):
        assert query.meta["tests"]["code"] in query.text


def test_every_alias_of_a_trivia_answer_is_kept():
    query = next(query for query in questions("trivia_qa") if query.query_id.endswith("tq_bt_3133"))
    assert {"swimming pool", "indoor pool", "swiming pools"} <= set(query.answers)
