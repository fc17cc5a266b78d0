"""From a suite to its arena: a routing table that is replayed, the embedded world, or benchmarks asked live.

What a reader must know of the data is said in the arena's remarks: questions that leak from test to fit, answers that
nobody graded, prices that were assumed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from hashlib import sha256

import numpy as np
import polars as pl

from rl_router.data.graders import exact_match
from rl_router.data.table import RoutingTable
from rl_router.episode.world_task import WorldTask
from rl_router.errors import DataError, RecipeError
from rl_router.evaluation.suite.arena import Arena, Side
from rl_router.evaluation.suite.failures import settled
from rl_router.evaluation.suite.suite import Suite
from rl_router.evaluation.two_models.pair import conversation_of
from rl_router.observe.formats import listed
from rl_router.pool.spec import TOKENS_PER_PRICE, load_specs, pool_path
from rl_router.types import Query

WORLD = "world"
"""The embedded world as a benchmark: generated questions and a simulated pool, so that it works anywhere."""


def arena_of(suite: Suite) -> Arena:
    if suite.table is not None:
        return replayed_arena(suite, RoutingTable.read(suite.table))
    if suite.benchmarks == (WORLD,):
        return replayed_arena(suite, world_table(suite))
    from rl_router.evaluation.suite.live import collected_table

    return replayed_arena(suite, collected_table(suite))


def replayed_arena(suite: Suite, table: RoutingTable) -> Arena:
    """The two sides of a table, after leaving out what would make the comparison unfair."""
    table = settled(table.select(models=suite.models or None, task=suite.tasks or None))
    remarks: list[str] = []
    table = _priced(suite, table, remarks)
    test, fit = _sides(suite, table, remarks)
    test = _without_leaks(test, fit, remarks)
    if suite.queries is not None:
        test = _capped(test, suite.queries, remarks)
    if not test or not fit:
        lacking = (
            f"to judge on (split {suite.splits.test!r})" if not test else f"to fit on (split {suite.splits.fit!r})"
        )
        raise DataError(
            f"The {table.where} has no question {lacking}; name its splits with splits.test and splits.fit."
        )
    specs = () if suite.pool is None else load_specs(pool_path(suite.pool))
    arena = Arena(
        models=table.models,
        test=_side(suite, table, test),
        fit=_side(suite, table, fit),
        remarks=tuple(remarks),
        capabilities={spec.name: spec.capabilities for spec in specs},
    )
    return _with_remarks(arena)


def world_table(suite: Suite) -> RoutingTable:
    """Every model of the simulated pool on every question of the embedded world, asked once and whole."""
    task = WorldTask(pool=suite.pool or WORLD).build()
    rows = []
    for query in (*task.train, *task.test):
        for model in task.pool.names:
            call = task.pool.ask(model, query.text, query=query, max_tokens=suite.max_tokens)
            rows.append(
                {
                    "dataset": WORLD, "split": query.split, "query_id": query.query_id, "query": query.text,
                    "task": query.task, "ground_truth": query.answers[0], "model": model,
                    "score": exact_match(call.reply.text, query.answers), "cost_usd": call.cost_usd,
                    "prompt_tokens": call.reply.usage.prompt_tokens,
                    "completion_tokens": call.reply.usage.completion_tokens, "response": call.reply.text,
                    "latency_s": call.reply.latency_s,
                }
            )  # fmt: skip
    return RoutingTable(pl.DataFrame(rows), where="embedded world")


def _priced(suite: Suite, table: RoutingTable, remarks: list[str]) -> RoutingTable:
    """Unknown costs from the pool's prices and the recorded tokens, then from the assumed price of a call."""
    cost = pl.col("cost_usd")
    if suite.pool is not None and suite.table is not None:
        specs = [spec for spec in load_specs(pool_path(suite.pool)) if spec.name in table.models]
        prices = pl.DataFrame(
            {
                "model": [spec.name for spec in specs],
                "_in": [spec.input_usd_per_mtok for spec in specs],
                "_out": [spec.output_usd_per_mtok for spec in specs],
            },
            schema={"model": pl.String, "_in": pl.Float64, "_out": pl.Float64},
        )
        tokens_usd = pl.col("prompt_tokens") * pl.col("_in") + pl.col("completion_tokens") * pl.col("_out")
        frame = table.frame.join(prices, on="model", how="left", maintain_order="left")
        frame = frame.with_columns(cost_usd=cost.fill_null(tokens_usd / TOKENS_PER_PRICE)).drop("_in", "_out")
        filled = table.frame["cost_usd"].null_count() - frame["cost_usd"].null_count()
        if filled:
            remarks.append(f"{filled:,} answers without a recorded cost are priced by the pool {suite.pool}.")
        table = table.part(frame)
    if suite.usd_per_call and suite.table is not None:
        unknown = sorted(set(suite.usd_per_call) - set(table.models))
        if unknown:
            raise RecipeError(f"usd_per_call names {unknown[0]!r}, and the {table.where} has {', '.join(table.models)}")
        assumed = pl.col("model").replace_strict(dict(suite.usd_per_call), default=None, return_dtype=pl.Float64)
        frame = table.frame.with_columns(cost_usd=cost.fill_null(assumed))
        if frame["cost_usd"].null_count() < table.frame["cost_usd"].null_count():
            calls = ", ".join(f"{name} ${usd:g}" for name, usd in suite.usd_per_call.items())
            remarks.append(f"Costs are not recorded but assumed, per call: {calls}.")
        table = table.part(frame)
    return table


def _sides(suite: Suite, table: RoutingTable, remarks: list[str]) -> tuple[list[Query], list[Query]]:
    """Test and fit queries; a table of one split is divided when the suite says how."""
    found = set(table.frame["split"].unique())
    test, fit, holdout = suite.splits.test, suite.splits.fit, suite.splits.holdout
    if test in found and fit in found:
        return table.queries(test), table.queries(fit)
    if holdout is None:
        raise DataError(
            f"The {table.where} has the splits {', '.join(sorted(found))}; this suite judges on {test!r} and fits on"
            f" {fit!r}. Name them with splits.test and splits.fit, or divide it with splits.holdout=0.5."
        )
    queries = table.queries(test) if test in found else table.queries()
    held = [_hash(query) < holdout for query in queries]
    remarks.append(
        f"The table has no split to fit on: {holdout:.0%} of its queries, by a hash of their ids, are judged."
    )
    return (
        [query for query, kept in zip(queries, held, strict=True) if kept],
        [query for query, kept in zip(queries, held, strict=True) if not kept],
    )


def _without_leaks(test: list[Query], fit: Sequence[Query], remarks: list[str]) -> list[Query]:
    seen = {query.text for query in fit}
    kept = [query for query in test if query.text not in seen]
    if len(kept) < len(test):
        remarks.append(f"{len(test) - len(kept):,} test questions that are fitted on too, word for word, are left out.")
    return kept


def _capped(test: list[Query], limit: int, remarks: list[str]) -> list[Query]:
    """Up to `limit` of each dataset: those of the least hashes, the same ones each time."""
    kept: set[str] = set()
    for dataset in dict.fromkeys(query.dataset for query in test):
        mine = sorted((query for query in test if query.dataset == dataset), key=_hash)
        kept |= {query.query_id for query in mine[:limit]}
    if len(kept) < len(test):
        remarks.append(f"{len(kept):,} of {len(test):,} test questions, drawn by a hash of their ids.")
    return [query for query in test if query.query_id in kept]


def _side(suite: Suite, table: RoutingTable, queries: Sequence[Query]) -> Side:
    ids = [query.query_id for query in queries]
    part = table.part(table.frame.filter(pl.col("query_id").is_in(ids)))
    names = ("score", "cost_usd", "latency_s", "prompt_tokens", "completion_tokens", "failed")
    known = {name for name in names if name in part.frame.columns and part.frame[name].dtype.is_numeric()}
    found = {
        name: part.matrix(name, ids, table.models) if name in known else np.full((len(ids), len(table.models)), np.nan)
        for name in names
    }
    return Side(
        queries=tuple(queries),
        table=part,
        quality=found["score"],
        cost_usd=found["cost_usd"],
        latency_s=found["latency_s"],
        prompt_tokens=found["prompt_tokens"],
        completion_tokens=found["completion_tokens"],
        failed=np.nan_to_num(found["failed"]),
        truncated=_truncated(suite, part, found["completion_tokens"], ids, table.models),
    )


def _truncated(
    suite: Suite, part: RoutingTable, tokens: np.ndarray, ids: Sequence[str], models: Sequence[str]
) -> np.ndarray:
    """[n, m] as recorded in a column `truncated`; else answers as long as the token limit count as cut off."""
    if "truncated" in part.frame.columns:
        marked = part.part(part.frame.with_columns(pl.col("truncated").cast(pl.Float64)))
        return marked.matrix("truncated", ids, models)
    if suite.max_tokens is None:
        return np.full(tokens.shape, np.nan)
    return np.where(np.isnan(tokens), np.nan, (tokens >= suite.max_tokens).astype(float))


def _with_remarks(arena: Arena) -> Arena:
    remarks = list(arena.remarks)
    ungraded = int(np.isnan(arena.test.quality).sum())
    if ungraded:
        share = ungraded / arena.test.quality.size
        remarks.append(f"{ungraded:,} of the recorded test answers ({share:.1%}) are not graded; they are left out.")
    if not arena.is_priced:
        unpriced = [m for m, usd in zip(arena.models, arena.fit.mean_cost_usd, strict=True) if np.isnan(usd)]
        remarks.append(
            f"No cost is known of {listed(unpriced if len(unpriced) <= 4 else [*unpriced[:3], 'others'])}, so there is"
            " no row `cheapest`, no dial and no frontier: every router is judged at λ = 0 alone. Name the pool with"
            " pool=NAME to price recorded tokens, or give usd_per_call."
        )
    return replace(arena, remarks=tuple(remarks))


def _hash(query: Query) -> float:
    """In [0, 1), the same for all turns of a conversation: they stand on one side."""
    return int(sha256(conversation_of(query.query_id).encode()).hexdigest()[:15], 16) / 16**15
