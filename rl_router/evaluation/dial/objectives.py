"""What a reward asks for, without training: the best table under it, at each value of its own knob.

A policy that learns perfectly ends where its objective is highest. So where the best table jumps from one end of the
frontier to the other, or does not move, no training can make a dial of that objective.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean

from rl_router.episode.rewards import Dial, Reward, RouterR1, SuccessGated
from rl_router.episode.task import Task
from rl_router.evaluation.run.baselines import Baselines
from rl_router.types import Query


@dataclass(frozen=True, kw_only=True)
class Optimum:
    """Where the best table of one objective lies on held-out questions."""

    reward: str
    knob: str
    value: float
    cost_usd: float
    quality: float


ALPHAS = (0.0, 0.4, 0.6, 0.7, 0.8, 1.0)
"""Router-R1's, of which each run has one."""
FIT_QUESTIONS = 500
"""Of the training questions: Router-R1's normaliser looks at its whole window for every strategy that is priced."""


def optima(task: Task, queries: Sequence[Query], cost_weights: Sequence[float]) -> list[Optimum]:
    """Router-R1 over α; xRouter, the linear and the exponential dial over λ. Tables fit training questions."""
    baselines = Baselines(task, queries, task.train[:FIT_QUESTIONS])
    asked: list[tuple[str, str, float, Reward, float]] = [
        ("router_r1", "α", alpha, RouterR1(alpha=alpha), 0.0) for alpha in ALPHAS
    ]
    dials: dict[str, Reward] = {
        "success_gated": SuccessGated(),
        "dial, linear": Dial(),
        "dial, exponential": Dial(shape="exponential"),
    }
    asked += [(name, "λ", weight, reward, weight) for name, reward in dials.items() for weight in cost_weights]
    found = []
    for name, knob, value, reward, weight in asked:
        outcomes = baselines.outcomes(reward, weight, (weight,))["best_table"]
        found.append(
            Optimum(
                reward=name,
                knob=knob,
                value=value,
                cost_usd=fmean(o.cost_usd for o in outcomes),
                quality=fmean(o.quality or 0.0 for o in outcomes),
            )
        )
    return found
