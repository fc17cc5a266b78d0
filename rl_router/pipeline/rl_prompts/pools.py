"""Which models each prompt may ask: fixed sets for their shares, pools drawn by tier for the rest.

Follows xRouter's data generation (https://arxiv.org/abs/2510.08439): shares are of all prompts, no question is in two
portions, and only questions with drawn pools are repeated, each time with another draw. What differs: each sample has
a generator of its own, where xRouter's forked workers all start from the same state and their number changes the draws.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from rl_router.errors import RecipeError
from rl_router.pipeline.rl_prompts.chance import chance
from rl_router.pipeline.rl_prompts.job import Pools, Range
from rl_router.pool.spec import ModelSpec

DRAWN, WHOLE = "drawn", "whole_pool"


@dataclass(frozen=True, kw_only=True)
class Sample:
    """One prompt of question number `question`, the `repetition`-th of it, with the models of its portion."""

    question: int
    repetition: int
    portion: str
    models: tuple[str, ...]


def check_models(pools: Pools, specs: Sequence[ModelSpec]) -> None:
    """Every tier and model that the recipe names is one of the pool's."""
    names, tiers = {spec.name for spec in specs}, {spec.tier for spec in specs if spec.tier}
    for set_name, fixed in pools.fixed.items():
        for model in fixed.models:
            if model not in names:
                raise RecipeError(f"Fixed set {set_name!r} names {model!r}; the pool has {', '.join(sorted(names))}.")
    for tier in pools.tiers:
        if tier not in tiers:
            raise RecipeError(f"The pool has no tier {tier!r}; its tiers are {', '.join(sorted(tiers)) or '(none)'}.")


def assign(
    questions: Sequence[str], specs: Sequence[ModelSpec], pools: Pools, max_prompts: int | None, seed: int
) -> list[Sample]:
    """The samples of `questions` (identities, shuffled): first those with drawn pools, then each fixed set's."""
    sizes = portion_sizes(len(questions), pools, max_prompts)
    repetitions = pools.repetitions
    samples = [
        Sample(
            question=i // repetitions,
            repetition=i % repetitions,
            portion=DRAWN if pools.tiers else WHOLE,
            models=_drawn(specs, pools.tiers, seed, questions[i // repetitions], i % repetitions),
        )
        for i in range(sizes.pop(DRAWN))
    ]
    question = -(-len(samples) // repetitions)
    for name, size in sizes.items():
        models = pools.fixed[name].models
        samples += [Sample(question=question + i, repetition=0, portion=name, models=models) for i in range(size)]
        question += size
    return samples


def portion_sizes(questions: int, pools: Pools, max_prompts: int | None) -> dict[str, int]:
    """Prompts per portion, `DRAWN` first. The most that the questions allow, in the shares that are asked for.

    With T prompts, fixed set i takes share_i · T questions and the drawn part (1 - Σ share) · T / repetitions.
    """
    fixed_share = sum(fixed.share for fixed in pools.fixed.values())
    per_prompt = fixed_share + (1 - fixed_share) / pools.repetitions
    total = min(int(questions / per_prompt + 1e-9), max_prompts or questions * pools.repetitions)
    sizes = {name: int(fixed.share * total + 1e-9) for name, fixed in pools.fixed.items()}
    rest = total - sum(sizes.values())
    if not pools.tiers and pools.fixed:  # fixed only: what rounding left over goes to the largest set
        largest = max(pools.fixed, key=lambda name: pools.fixed[name].share)
        return {DRAWN: 0, **(sizes | {largest: sizes[largest] + rest})}
    left = questions - sum(sizes.values())
    return {DRAWN: min(rest, left * pools.repetitions), **sizes}


def _drawn(
    specs: Sequence[ModelSpec], tiers: Mapping[str, Range], seed: int, question: str, repetition: int
) -> tuple[str, ...]:
    """Models of each tier, in an order of chance, so that no place in a list of models has a meaning."""
    if not tiers:
        return tuple(spec.name for spec in specs)
    rng = chance(seed, "pool", question, repetition)
    models: list[str] = []
    while not models:  # tiers that all start at 0 can draw nothing, and an empty pool is no pool
        for tier, size in tiers.items():
            members = [spec.name for spec in specs if spec.tier == tier]
            models += rng.sample(members, min(rng.randint(size.min, size.max), len(members)))
    rng.shuffle(models)
    return tuple(models)
