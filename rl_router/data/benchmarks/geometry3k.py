"""Geometry3K: a figure and a question about it; the answer is a number or a radical."""

from __future__ import annotations

from rl_router.data.benchmarks.benchmark import BENCHMARKS, Benchmark, Item, Row
from rl_router.data.benchmarks.prompts import BOXED, ask, image_url
from rl_router.data.queries import IMAGES


def item(row: Row) -> Item:
    problem = row["problem"].replace("<image>", "").strip()
    images = [image_url(image) for image in row["images"]]
    identity = row.get("id")
    return Item(
        id=None if identity is None else str(identity),
        text=ask(problem, BOXED),
        answers=(row["answer"],),
        meta={IMAGES: images},
    )


GEOMETRY3K = Benchmark(
    name="geometry3k",
    title="Geometry3K",
    source="https://github.com/lupantech/InterGPS",
    paper="https://arxiv.org/abs/2105.04165",
    licence="MIT",
    hub="hiyouga/geometry3k",
    splits={"train": "train", "val": "validation", "test": "test"},
    grader="maths",
    item=item,
    unchecked="Tested on rows written by hand; the hub set is a third party's copy without the original's options.",
)
BENCHMARKS.add(GEOMETRY3K.name, GEOMETRY3K)
