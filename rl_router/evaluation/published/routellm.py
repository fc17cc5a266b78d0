"""RouteLLM's evaluation files: base rates, oracle, prompt length and random routing between GPT-4 and Mixtral.

The files hold both models' grades on MMLU, GSM8K and MT-Bench (github.com/lm-sys/RouteLLM, commit 0b64fda,
`routellm/evals`); the split `test` is what is left after the authors removed contaminated questions. Prompt length
means the characters of the prompt as their file has it; bytes and words give other digits.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from rl_router.data.graders.number import grade_number
from rl_router.data.table import RoutingTable
from rl_router.evaluation.metrics.recovery import apgr, cpt, eleven_point_curve, exact_curve, interpolated_cpt
from rl_router.evaluation.published.figure import REFERENCE, Figure, only_ours, to_the_digit
from rl_router.evaluation.two_models.pair import Pair, pair_of
from rl_router.types import Query

STRONG, WEAK = "gpt-4-1106-preview", "mistralai/Mixtral-8x7B-Instruct-v0.1"
FILES = "lm-sys/RouteLLM"
RANDOM_RUNS = 1_000
NOTHING_DECIDED = "within 0.14 of 0.5 is noise"


@dataclass(frozen=True, kw_only=True, slots=True)
class Benchmark:
    """What is published, in the units of RouteLLM's tables: percent for quality and CPT."""

    name: str
    dataset: str
    strong: float | None = None
    weak: float | None = None
    oracle: tuple[float, float] | None = None
    """APGR with every share, and with recovery counted up to 1."""
    length: tuple[float, float, float] | None = None
    """APGR, CPT(50), CPT(80) of prompt length, from eleven points."""
    random_spread: float
    """Standard deviation of the APGR of one random run."""
    random_tolerance: float = 0.001
    note: str = ""


BENCHMARKS = (
    Benchmark(
        name="MMLU",
        dataset="routellm_mmlu",
        strong=80.59,
        weak=68.09,
        oracle=(1.285, 0.938),
        length=(0.584, 36.7, 69.2),
        random_spread=0.009,
    ),
    Benchmark(
        name="GSM8K",
        dataset="routellm_gsm8k",
        strong=85.77,
        weak=63.73,
        oracle=(1.121, 0.890),
        length=(0.599, 36.5, 66.7),
        random_spread=0.020,
    ),
    Benchmark(
        name="MT-Bench, where 72 questions decide nothing",
        dataset="routellm_mtbench",
        random_spread=0.069,
        random_tolerance=0.003,
        note=NOTHING_DECIDED,
    ),
)


def figures(table: RoutingTable, *, rng: np.random.Generator) -> list[Figure]:
    """Every published figure of RouteLLM's files that needs no trained router."""
    rows: list[Figure] = []
    for benchmark in BENCHMARKS:
        pair = graded(table, benchmark.dataset)
        suite = f"RouteLLM {benchmark.name}"
        rows += _base_rates(suite, benchmark, pair)
        rows += _oracle(suite, benchmark, pair)
        rows += _length(suite, benchmark, pair)
        rows += _random(suite, benchmark, pair, rng)
    rows += _regraded("RouteLLM GSM8K, regraded", table)
    return rows


def graded(table: RoutingTable, dataset: str) -> Pair:
    """As RouteLLM graded it, without the contaminated questions."""
    return pair_of(_test_rows(table, dataset), weak=WEAK, strong=STRONG)


def regraded(table: RoutingTable) -> Pair:
    """GSM8K with each answer's number compared to the right one: $64.00 is 64, and 0.84 is not 84."""
    part = _test_rows(table, "routellm_gsm8k")
    queries = [_with_number(query) for query in part.queries()]
    grades = np.array([[_grade(part, query, model) for model in (WEAK, STRONG)] for query in queries])
    return Pair(queries=tuple(queries), weak=grades[:, 0], strong=grades[:, 1])


def _base_rates(suite: str, benchmark: Benchmark, pair: Pair) -> Iterator[Figure]:
    for model, published, quality in (("GPT-4", benchmark.strong, pair.strong), ("Mixtral", benchmark.weak, pair.weak)):
        value, n = 100 * float(quality.mean()), len(quality)
        if published is None:
            yield only_ours(suite, f"{model}, %", value, 2, n=n)
        else:
            yield to_the_digit(suite, f"{model}, %", published, value, 2, n=n, source=FILES)


def _oracle(suite: str, benchmark: Benchmark, pair: Pair) -> Iterator[Figure]:
    curve = exact_curve(pair.strong - pair.weak, pair.weak, pair.strong)
    n = len(pair.weak)
    values = (
        ("oracle, APGR of every share", apgr(curve)),
        ("oracle, recovery counted up to 1", apgr(curve, clip=True)),
    )
    for i, (quantity, value) in enumerate(values):
        if benchmark.oracle is None:
            yield only_ours(suite, quantity, value, 3, n=n)
        else:
            yield to_the_digit(suite, quantity, benchmark.oracle[i], value, 3, n=n, source=REFERENCE)


def _length(suite: str, benchmark: Benchmark, pair: Pair) -> Iterator[Figure]:
    n = len(pair.weak)
    coarse = eleven_point_curve(pair.lengths, pair.weak, pair.strong)
    fine = exact_curve(pair.lengths, pair.weak, pair.strong)
    values = (apgr(coarse), 100 * interpolated_cpt(coarse, 0.5), 100 * interpolated_cpt(coarse, 0.8))
    exact = (apgr(fine), 100 * cpt(fine, 0.5), 100 * cpt(fine, 0.8))
    for i, (what, decimals) in enumerate((("APGR", 3), ("CPT(50), %", 1), ("CPT(80), %", 1))):
        quantity = f"prompt length, {what}"
        if benchmark.length is None:
            yield only_ours(suite, f"{quantity}, eleven points", values[i], decimals, n=n)
        else:
            published = benchmark.length[i]
            yield to_the_digit(
                suite, f"{quantity}, eleven points", published, values[i], decimals, n=n, source=REFERENCE
            )
        yield only_ours(suite, f"{quantity}, every share", exact[i], decimals, n=n)


def _random(suite: str, benchmark: Benchmark, pair: Pair, rng: np.random.Generator) -> Iterator[Figure]:
    n = len(pair.weak)
    runs = np.array([apgr(exact_curve(rng.random(n), pair.weak, pair.strong)) for _ in range(RANDOM_RUNS)])
    yield Figure(
        suite=suite,
        quantity=f"random, mean APGR of {RANDOM_RUNS:,} runs",
        published=0.5,
        ours=float(runs.mean()),
        tolerance=float(4 * runs.std() / np.sqrt(RANDOM_RUNS)),
        decimals=3,
        n=n,
        source="by definition",
    )
    yield Figure(
        suite=suite,
        quantity="random, sd of one run",
        published=benchmark.random_spread,
        ours=float(runs.std()),
        tolerance=benchmark.random_tolerance,
        decimals=3,
        n=n,
        source=REFERENCE,
        note=benchmark.note,
    )


def _regraded(suite: str, table: RoutingTable) -> Iterator[Figure]:
    before, after = graded(table, "routellm_gsm8k"), regraded(table)
    n = len(after.weak)
    yield to_the_digit(
        suite,
        "GPT-4 answers wrongly marked wrong",
        42,
        float(np.sum(after.strong > before.strong)),
        0,
        n=n,
        source=REFERENCE,
        note="such as $64.00 where 64 is right",
    )
    for model, old, new in (("GPT-4", before.strong, after.strong), ("Mixtral", before.weak, after.weak)):
        up, down = int(np.sum(new > old)), int(np.sum(new < old))
        note = f"{up} answers right after all, {down} wrong by their last number"
        yield only_ours(suite, f"{model}, %", 100 * float(new.mean()), 2, n=n, note=note)
    empty = Benchmark(name="GSM8K", dataset="routellm_gsm8k", random_spread=0.0)
    yield from _oracle(suite, empty, after)
    yield from _length(suite, empty, after)


def _test_rows(table: RoutingTable, dataset: str) -> RoutingTable:
    test = table.select(split="test")
    return RoutingTable(test.frame.filter(test.frame["dataset"] == dataset), table.where)


def _with_number(query: Query) -> Query:
    """GSM8K's ground truth is a worked solution that ends in `#### 64`."""
    (solution,) = query.answers
    return Query(
        query_id=query.query_id, text=query.text, answers=(solution.rpartition("####")[2].strip(),), task=query.task
    )


def _grade(table: RoutingTable, query: Query, model: str) -> float:
    cell = table.cell(query.query_id, model)
    grade = None if cell is None or cell.response is None else grade_number(cell.response, query)
    return float("nan") if grade is None else grade
