"""What a person sees while a run goes on: a live bar on a terminal, plain lines in a log file or in CI."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from rl_router.observe.formats import count, seconds, usd

# what fits in one line, in this order, whichever of the names a step has
SHOWN = (
    ("reward", ("reward/mean", "critic/rewards/mean"), count),
    ("EM", ("quality/mean",), count),
    ("cost", ("cost_usd/mean",), usd),
    ("calls", ("calls/mean",), count),
    ("format", ("format/rate",), count),
    ("loss", ("loss",), count),
    ("entropy", ("actor/entropy",), count),
)


def say(text: str, *, console: Console | None = None) -> None:
    """One status line on standard error; standard output belongs to results."""
    console = console or Console(stderr=True)
    console.print(text, markup=False, highlight=False, emoji=False, soft_wrap=True)


def summary(metrics: Mapping[str, float]) -> str:
    """The metrics that a person follows, as `reward 0.61  EM 0.74  cost $0.00021`."""
    parts = []
    for label, names, form in SHOWN:
        name = next((n for n in names if metrics.get(n) is not None), None)
        if name is not None:
            parts.append(f"{label} {form(metrics[name])}")
    return "  ".join(parts)


class StepProgress:
    """Shows the steps of one stage. `every` is how many steps lie between two plain lines (about 20 in all)."""

    def __init__(
        self,
        label: str,
        total: int,
        *,
        start: int = 0,
        every: int | None = None,
        console: Console | None = None,
        describe: Callable[[Mapping[str, float]], str] = summary,
    ) -> None:
        self.label, self.total, self.start, self.describe = label, total, start, describe
        self.every = every or max(1, total // 20)
        self.console = console or Console(stderr=True)
        self.live = self.console.is_terminal and not self.console.is_dumb_terminal
        self._began_s = time.monotonic()
        self._bar: Progress | None = None
        self._task = TaskID(0)

    def __enter__(self) -> Self:
        self._began_s = time.monotonic()
        if self.live:
            self._bar = Progress(
                TextColumn("{task.description}", markup=False),
                BarColumn(bar_width=24),
                MofNCompleteColumn(),
                TimeRemainingColumn(),
                TextColumn("{task.fields[metrics]}", markup=False),
                console=self.console,
            )
            self._bar.start()
            self._task = self._bar.add_task(self.label, total=self.total, completed=self.start, metrics="")
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar:
            self._bar.stop()
            self._bar = None

    def update(self, step: int, metrics: Mapping[str, float]) -> None:
        """`step` counts the steps that are done, 1 for the first."""
        if self._bar:
            self._bar.update(self._task, completed=step, metrics=self.describe(metrics))
        elif step % self.every == 0 or step in (self.start + 1, self.total):
            say(
                f"{self.label} {step}/{self.total}  {self.describe(metrics)}  {self._time_left(step)}",
                console=self.console,
            )

    def _time_left(self, step: int) -> str:
        done = step - self.start
        spent_s = time.monotonic() - self._began_s
        if step >= self.total or done <= 0:
            return f"{seconds(spent_s)} in all"
        return f"{seconds(spent_s * (self.total - step) / done)} left"
