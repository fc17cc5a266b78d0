"""MathVista: mathematics about figures, plots and photographs; the thousand questions of testmini."""

from __future__ import annotations

from rl_router.data.benchmarks.benchmark import BENCHMARKS, Benchmark, Item, Row
from rl_router.data.benchmarks.prompts import NUMBER, SHORT, ask, choose, image_url, lettered
from rl_router.data.queries import IMAGES


def item(row: Row) -> Item:
    meta = {IMAGES: [image_url(row["decoded_image"])]}
    unit = f" (Unit: {row['unit']})" if row.get("unit") else ""
    question, identity, answer = f"{row['question']}{unit}", str(row["pid"]), str(row["answer"])
    if row["question_type"] == "multi_choice":
        choices = lettered(row["choices"])
        labels = tuple(label for label, text in choices.items() if text == answer.strip())
        return Item(
            id=identity, text=choose(question, choices), answers=labels, choices=choices, grader="choice", meta=meta
        )
    if row["answer_type"] in ("integer", "float"):
        decimals = int(row.get("precision") or 0)
        form = f"{NUMBER} Round to {decimals} decimal places." if decimals else NUMBER
        return Item(id=identity, text=ask(question, form), answers=(answer,), meta={**meta, "precision": decimals})
    return Item(id=identity, text=ask(question, SHORT), answers=(answer,), grader="exact_match", meta=meta)


MATHVISTA = Benchmark(
    name="mathvista",
    title="MathVista (testmini)",
    source="https://github.com/lupantech/MathVista",
    paper="https://arxiv.org/abs/2310.02255",
    licence="CC BY-SA 4.0",
    hub="AI4Math/MathVista",
    splits={"test": "testmini"},  # the answers of its test split are withheld
    grader="number",
    item=item,
    unchecked="Tested on rows written by hand, with the columns that its authors document.",
)
BENCHMARKS.add(MATHVISTA.name, MATHVISTA)
