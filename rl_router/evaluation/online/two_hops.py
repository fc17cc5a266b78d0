"""Multi-round routers on two-hop questions of the embedded world, beside what one call per question comes to.

In one go only the strongest model answers them, so the question is what a router comes to at the price that it has: it
is compared with the best mixture of models, and the best setting of a router, that cost no more.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from rl_router.data.graders import exact_match
from rl_router.data.table import RoutingTable
from rl_router.data.world import World
from rl_router.episode.multi_round import MultiRound, chosen_by, play_all
from rl_router.pool.pool import ModelPool, load_specs
from rl_router.pool.simulated import SimulatedBackend
from rl_router.pool.spec import pool_path
from rl_router.routers.knn import Knn
from rl_router.routers.ridge import Ridge
from rl_router.routers.router import Router
from rl_router.types import Query

STRONGEST = "titan"
WEIGHTS = (0.0, 0.1, 0.25, 0.5, 1.0, 2.0, 4.0)


@dataclass(frozen=True, kw_only=True)
class TwoHops:
    """Means over the questions. `mixture` is the quality of the best mixture of models, `one_shot` that of kNN's best
    setting, each at no more than `cost_usd`."""

    router: str
    quality: float
    cost_usd: float
    mixture: float
    one_shot: float


def two_hops(count: int = 96, fitted_on: int = 960) -> list[TwoHops]:
    """Each multi-round router; those that choose by a fitted router at several cost weights."""
    queries, table = questions(count), world_table(fitted_on)
    knn, ridge = Knn(k=20).fit(table), Ridge().fit(table)
    models = in_one_go(queries)
    pool = simulated_pool()
    agents: dict[str, tuple[MultiRound, float | None]] = {
        "llm_multiround": (MultiRound(pool=pool, decomposer="nano"), None)
    }
    for name, router, weight in (("knn", knn, 0.0), ("knn", knn, 1.0), ("ridge", ridge, 0.0), ("ridge", ridge, 0.5)):
        agent = MultiRound(pool=pool, decomposer="nano", choose=chosen_by(router, pool.names, weight))
        agents[f"knn_multiround by {name}, λ = {weight:g}"] = agent, weight
    found = []
    for name, (agent, told) in agents.items():
        episodes = play_all(agent, queries, told)
        cost_usd = float(np.mean([episode.cost_usd for episode in episodes]))
        found.append(
            TwoHops(
                router=name,
                quality=float(np.mean([episode.quality or 0.0 for episode in episodes])),
                cost_usd=cost_usd,
                mixture=best_mixture(models, cost_usd),
                one_shot=best_routed(knn, queries, cost_usd),
            )
        )
    return found


def main() -> int:
    models = in_one_go(questions(96))
    print(
        "in one go: "
        + ", ".join(f"{name} {quality:.2f} for ${1000 * usd:.2f}" for name, (quality, usd) in models.items())
    )
    print(f"{'router':32} right  per 1,000  best mixture  kNN in one go")
    for row in two_hops():
        dollars = f"${1000 * row.cost_usd:.2f}"
        print(f"{row.router:32} {row.quality:5.2f}  {dollars:>9}  {row.mixture:12.2f}  {row.one_shot:13.2f}")
    return 0


def simulated_pool() -> ModelPool:
    return ModelPool(load_specs(pool_path("world")), SimulatedBackend(World()))


def questions(count: int) -> list[Query]:
    return list(World().questions("test", count, tasks=("two_hop",)))


def world_table(count: int) -> RoutingTable:
    """Every model of the simulated pool on `count` training questions of all kinds."""
    pool, rows = simulated_pool(), []
    for query in World().questions("train", count):
        for model in pool.names:
            call = pool.ask(model, query.text, query=query)
            usage = call.reply.usage
            rows.append(
                {
                    "dataset": "world", "split": "train", "query_id": query.query_id, "query": query.text,
                    "task": query.task, "ground_truth": query.answers[0], "model": model,
                    "score": exact_match(call.reply.text, query.answers), "cost_usd": call.cost_usd,
                    "prompt_tokens": usage.prompt_tokens, "completion_tokens": usage.completion_tokens,
                    "response": call.reply.text,
                }
            )  # fmt: skip
    return RoutingTable(pl.DataFrame(rows), where="embedded world")


def in_one_go(queries: Sequence[Query]) -> dict[str, tuple[float, float]]:
    """(quality, cost in USD) of each model, asked the whole questions."""
    pool = simulated_pool()
    return {model: _asked(pool, [model] * len(queries), queries) for model in pool.names}


def best_mixture(models: Mapping[str, tuple[float, float]], cost_usd: float) -> float:
    """The quality of the best mixture of two models, each question asked of one of them, at a mean of `cost_usd`."""
    points = list(models.values())
    reached = [quality for quality, usd in points if usd <= cost_usd]
    for low, low_usd in points:
        for high, high_usd in points:
            if low_usd <= cost_usd < high_usd:
                reached.append(low + (high - low) * (cost_usd - low_usd) / (high_usd - low_usd))
    return max(reached, default=0.0)


def best_routed(router: Router, queries: Sequence[Query], cost_usd: float) -> float:
    """The quality of one call per question, at the cost weight that does best for `cost_usd` or less."""
    pool, reached = simulated_pool(), [0.0]
    for weight in WEIGHTS:
        chosen = [decision.model for decision in router.route(queries, cost_weight=weight)]
        quality, usd = _asked(pool, chosen, queries)
        reached += [quality] if usd <= cost_usd else []
    return max(reached)


def _asked(pool: ModelPool, models: Sequence[str], queries: Sequence[Query]) -> tuple[float, float]:
    calls = [pool.ask(model, query.text, query=query) for model, query in zip(models, queries, strict=True)]
    right = [exact_match(call.reply.text, query.answers) for call, query in zip(calls, queries, strict=True)]
    return float(np.mean(np.array(right, dtype=float))), float(np.mean([call.cost_usd for call in calls]))
