"""2WikiMultihopQA: questions composed from Wikidata by templates, two to four hops."""

from __future__ import annotations

from rl_router.data.benchmarks.benchmark import BENCHMARKS, Benchmark, Item, Row
from rl_router.data.benchmarks.prompts import SHORT, ask


def item(row: Row) -> Item:
    identity = row["id"] if "id" in row else row["_id"]  # the hub's copy and the authors' file
    meta = {"type": row["type"]} if "type" in row else {}
    return Item(id=identity, text=ask(row["question"], SHORT), answers=(row["answer"],), meta=meta)


TWO_WIKI = Benchmark(
    name="2wiki",
    title="2WikiMultihopQA",
    source="https://github.com/Alab-NII/2wikimultihop",
    paper="https://arxiv.org/abs/2011.01060",
    licence="Apache-2.0",
    hub="framolfese/2WikiMultihopQA",
    splits={"train": "train", "test": "validation"},  # the answers of its test split are withheld
    grader="exact_match",
    item=item,
    unchecked="The hub set is a third party's copy; its column names were seen in code that uses it, not in the set.",
)
BENCHMARKS.add(TWO_WIKI.name, TWO_WIKI)
