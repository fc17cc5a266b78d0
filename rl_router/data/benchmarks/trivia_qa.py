"""TriviaQA: pub-quiz questions with every alias of their answers, without the documents."""

from __future__ import annotations

from rl_router.data.benchmarks.benchmark import BENCHMARKS, Benchmark, Item, Row
from rl_router.data.benchmarks.prompts import SHORT, ask


def item(row: Row) -> Item:
    answer = row["answer"]
    answers = dict.fromkeys([answer["value"], *answer["aliases"]])
    return Item(id=row["question_id"], text=ask(row["question"], SHORT), answers=tuple(answers))


TRIVIA_QA = Benchmark(
    name="trivia_qa",
    title="TriviaQA",
    source="https://nlp.cs.washington.edu/triviaqa/",
    paper="https://arxiv.org/abs/1705.03551",
    licence="Apache-2.0",
    hub="mandarjoshi/trivia_qa",
    configs=("rc.nocontext",),
    splits={"train": "train", "test": "validation"},  # the answers of its test split are withheld
    grader="exact_match",
    item=item,
)
BENCHMARKS.add(TRIVIA_QA.name, TRIVIA_QA)
