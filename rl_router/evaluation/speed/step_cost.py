"""What a training step costs: time, processor time and sampled tokens, counted from step end to step end.

Start-up, the warm-up steps and everything after the last counted step (its checkpoint, the shutdown) stay out of it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean, median

from rl_router.errors import RunError


@dataclass(frozen=True, kw_only=True)
class StepMark:
    """Seen when a step was over. `clock_s` and `cpu_s` (of the run's processes, by name) count from its start;
    `own_s` is the step's time by the trainer's own clock, which may leave out its bookkeeping."""

    step: int
    clock_s: float
    cpu_s: Mapping[str, float]
    own_s: float
    tokens: float
    reward: float


@dataclass(frozen=True, kw_only=True)
class StepCost:
    """Steps of one trainer. Means and rates are over all counted steps together, the medians over single steps."""

    trainer: str
    steps: int
    step_s_median: float
    own_step_s_median: float
    step_s_mean: float
    cpu_s_per_step: float
    tokens_per_step: float
    tokens_per_s: float
    tokens_per_cpu_s: float
    reward_mean: float
    startup_s: float
    """From the start of the run to the end of its first step, less what that step took by the trainer's own clock."""
    startup_cpu_s: float
    """Up to the end of the warm-up steps, theirs included."""
    cpu_s_per_step_by_process: Mapping[str, float]
    """The dearest first."""


def step_cost(trainer: str, runs: Sequence[Sequence[StepMark]], *, warm_up: int, count: int) -> StepCost:
    """Of each run, the `count` steps after its first `warm_up` (at least one: a step needs the end of the one before).

    Raises RunError when a run has fewer steps.
    """
    if warm_up < 1:
        raise RunError(f"expected at least one warm-up step, got {warm_up}")
    windows = []
    for marks in runs:
        if len(marks) < warm_up + count:
            raise RunError(f"{trainer} finished {len(marks)} steps, expected at least {warm_up + count}; read its log")
        windows.append(marks[warm_up - 1 : warm_up + count])
    pairs = [pair for window in windows for pair in zip(window, window[1:], strict=False)]
    steps = [after for _, after in pairs]
    wall_s = [after.clock_s - before.clock_s for before, after in pairs]
    by_process = _per_step([(window[0].cpu_s, window[-1].cpu_s) for window in windows], len(steps))
    cpu_s = sum(by_process.values()) * len(steps)
    tokens = sum(mark.tokens for mark in steps)
    return StepCost(
        trainer=trainer,
        steps=len(steps),
        step_s_median=median(wall_s),
        own_step_s_median=median(mark.own_s for mark in steps),
        step_s_mean=fmean(wall_s),
        cpu_s_per_step=cpu_s / len(steps),
        tokens_per_step=tokens / len(steps),
        tokens_per_s=tokens / sum(wall_s),
        tokens_per_cpu_s=tokens / cpu_s,
        reward_mean=fmean(mark.reward for mark in steps),
        startup_s=fmean(marks[0].clock_s - marks[0].own_s for marks in runs),
        startup_cpu_s=fmean(sum(window[0].cpu_s.values()) for window in windows),
        cpu_s_per_step_by_process=by_process,
    )


def _per_step(windows: Sequence[tuple[Mapping[str, float], Mapping[str, float]]], steps: int) -> dict[str, float]:
    names = {name for _, after in windows for name in after}
    used_s = {name: sum(after.get(name, 0.0) - before.get(name, 0.0) for before, after in windows) for name in names}
    return {name: used_s[name] / steps for name in sorted(names, key=lambda n: (-used_s[n], n))}


def ratios(ours: StepCost, other: StepCost) -> dict[str, float]:
    """Above 1 is better for ours, in each of them."""
    return {
        "step_time": other.step_s_median / ours.step_s_median,
        "tokens_per_s": ours.tokens_per_s / other.tokens_per_s,
        "tokens_per_cpu_s": ours.tokens_per_cpu_s / other.tokens_per_cpu_s,
    }
