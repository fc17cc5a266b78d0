"""What is measured of a model, as words that a small policy can read: a price level and a skill level per kind.

A level is one word ("units7"), and its words are in order, so a policy can learn what they mean from some models and
read the description of another that it has never seen. Measured on training questions, never on the ones asked.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from math import log2
from statistics import fmean

from rl_router.data.graders import exact_match
from rl_router.pool.pool import ModelPool
from rl_router.types import Query

LEVELS = 10
PRICE = "price"


def words(kinds: Iterable[str]) -> list[tuple[str, ...]]:
    """Every word that a profile may have: one row per scale, from its lowest level on."""
    return [tuple(f"{_word(kind)}{level}" for level in range(LEVELS)) for kind in (PRICE, *sorted(kinds))]


def price_level(cost_usd: float, reference_usd: float) -> int:
    """About three levels per factor of five: 7 for a call like the strongest model's, 0 for a fortieth of it."""
    return min(LEVELS - 1, max(0, round(7 + 1.3 * log2(max(cost_usd, 1e-12) / reference_usd))))


def skill_level(share_right: float) -> int:
    return min(LEVELS - 1, int(share_right * LEVELS))


def described(pool: ModelPool, questions: Sequence[Query], reference_usd: float, per_kind: int = 80) -> ModelPool:
    """The pool with every model's description replaced by its profile on `per_kind` questions of each kind."""
    by_kind: dict[str, list[Query]] = {}
    for query in questions:
        asked = by_kind.setdefault(query.task, [])
        if len(asked) < per_kind:
            asked.append(query)
    specs = []
    for spec in pool.specs:
        calls = {kind: [pool.ask(spec.name, q.text, query=q) for q in asked] for kind, asked in by_kind.items()}
        cost_usd = fmean(call.cost_usd for here in calls.values() for call in here)
        right = {
            kind: fmean(exact_match(c.reply.text, q.answers) or 0.0 for c, q in zip(here, by_kind[kind], strict=True))
            for kind, here in calls.items()
        }
        said = [f"{PRICE}{price_level(cost_usd, reference_usd)}"]
        said += [f"{_word(kind)}{skill_level(right[kind])}" for kind in sorted(right)]
        specs.append(replace(spec, description=" ".join(said)))
    return ModelPool(specs, pool.backend, pool.timeout_s)


def levels(description: str) -> dict[str, int]:
    """A profile as numbers, by the words of its scales."""
    return {word[:-1]: int(word[-1]) for word in description.split()}


def _word(kind: str) -> str:
    return kind.replace("_", "")
