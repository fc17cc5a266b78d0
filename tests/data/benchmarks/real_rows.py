"""Real questions in the shape of each benchmark's hub set, made from a file with a shape of its own."""

import ast
import json
from pathlib import Path

import polars as pl

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
