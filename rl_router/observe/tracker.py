"""Where the metrics of a run go: always one JSON line per step, TensorBoard, and wandb when asked."""

from __future__ import annotations

import time
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Literal, Self

from rl_router.errors import RunError
from rl_router.observe.console import say
from rl_router.observe.files import read_json, rewrite_lines, write_text
from rl_router.observe.run_folder import RunFolder

WandbMode = Literal["off", "offline", "online"]


class Tracker:
    """Logs each step once.

    `resume_from_step` is the step of the checkpoint that training goes on from: whatever was logged after it is
    dropped, so the metrics of a killed run have no gap and no double step. 0 starts over, None adds to what is there.
    """

    def __init__(
        self,
        folder: RunFolder,
        *,
        tensorboard: bool = True,
        wandb: WandbMode = "off",
        resume_from_step: int | None = None,
    ) -> None:
        self.folder = folder
        if resume_from_step is not None:
            folder.rewind(resume_from_step)
        rows = folder.read_metrics()
        self.last_step: int = rows[-1]["step"] if rows else -1
        self._events = _EventWriter(folder, purge_from=self.last_step + 1) if tensorboard else None
        self._wandb: Any = _start_wandb(folder, wandb) if wandb != "off" else None

    def log(self, step: int, metrics: Mapping[str, float]) -> None:
        """A second call for the last step adds to its line; an earlier step is an error."""
        if step < self.last_step:
            raise RunError(
                f"metrics of step {step} came after step {self.last_step} was logged in {self.folder.metrics}:"
                " give the tracker resume_from_step when a run goes on from a checkpoint"
            )
        values = {name: float(value) for name, value in metrics.items()}
        row = {"step": step, "time": datetime.now(UTC).isoformat(timespec="milliseconds"), **values}
        if step == self.last_step:
            *before, last = self.folder.read_metrics()
            rewrite_lines(self.folder.metrics, [*before, {**last, **row}])
        else:
            self.folder.append_metrics(row)
        self.last_step = step
        if self._events:
            self._events.add(step, values)
        if self._wandb:
            self._log_to_wandb(step, values)

    def close(self) -> None:
        if self._events:
            self._events.close()
        if self._wandb:
            try:
                self._wandb.finish()
            except Exception as error:  # the run itself is done and on disk
                say(f"wandb did not finish ({error}); the metrics are in {self.folder.metrics}")
        self._events = self._wandb = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _log_to_wandb(self, step: int, values: Mapping[str, float]) -> None:
        try:
            self._wandb.log(dict(values), step=step)
        except Exception as error:  # a lost connection must not end a training run
            say(f"wandb stopped taking metrics ({error}); they go on in {self.folder.metrics}")
            self._wandb = None


class _EventWriter:
    """TensorBoard's own writer: `torch.utils.tensorboard` would import torch for it."""

    def __init__(self, folder: RunFolder, purge_from: int) -> None:
        from tensorboard.compat.proto.event_pb2 import Event, SessionLog
        from tensorboard.compat.proto.summary_pb2 import Summary
        from tensorboard.summary.writer.event_file_writer import EventFileWriter

        self._Event, self._Summary = Event, Summary
        self._writer = EventFileWriter(str(folder.tensorboard))
        # makes TensorBoard hide what an earlier process of the same run logged at these steps
        start = SessionLog(status=SessionLog.START)
        self._writer.add_event(Event(step=purge_from, wall_time=time.time(), session_log=start))

    def add(self, step: int, values: Mapping[str, float]) -> None:
        points = [self._Summary.Value(tag=name, simple_value=value) for name, value in values.items()]
        self._writer.add_event(self._Event(step=step, wall_time=time.time(), summary=self._Summary(value=points)))
        self._writer.flush()

    def close(self) -> None:
        self._writer.close()


def _start_wandb(folder: RunFolder, mode: WandbMode) -> Any:
    """The wandb run, or None when it cannot be had: tracking is never a reason for a run to fail."""
    name = folder.path / "wandb_run_id.txt"
    if not name.is_file():
        write_text(name, uuid.uuid4().hex)
    try:
        import wandb

        return wandb.init(
            project="rl-router",
            name=folder.path.resolve().name,
            id=name.read_text().strip(),
            resume="allow",
            mode=mode if mode == "offline" else "online",
            dir=str(folder.path),
            config=read_json(folder.config) if folder.config.is_file() else None,
            settings=wandb.Settings(init_timeout=30, console="off"),
        )
    except Exception as error:
        say(f"wandb is not available ({error}); the metrics are in {folder.metrics}")
        return None
