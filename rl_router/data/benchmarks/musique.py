"""MuSiQue: two- to four-hop questions composed from single-hop ones so that no hop can be skipped."""

from __future__ import annotations

from rl_router.data.benchmarks.benchmark import BENCHMARKS, Benchmark, Item, Row
from rl_router.data.benchmarks.prompts import SHORT, ask


def item(row: Row) -> Item | None:
    if not row.get("answerable", True):
        return None
    answers = dict.fromkeys([row["answer"], *(row.get("answer_aliases") or ())])
    return Item(id=row["id"], text=ask(row["question"], SHORT), answers=tuple(answers))


MUSIQUE = Benchmark(
    name="musique",
    title="MuSiQue (answerable)",
    source="https://github.com/StonyBrookNLP/musique",
    paper="https://arxiv.org/abs/2108.00573",
    licence="CC BY 4.0",
    hub="dgslibisey/MuSiQue",
    splits={"train": "train", "test": "validation"},  # the answers of its test split are withheld
    grader="exact_match",
    item=item,
    unchecked="The hub set is a third party's copy of the authors' files, whose columns it keeps.",
)
BENCHMARKS.add(MUSIQUE.name, MUSIQUE)
