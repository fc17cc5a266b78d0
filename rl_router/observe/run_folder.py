"""A run folder: one place that names everything a run writes, so that writers and readers cannot disagree."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rl_router.errors import CheckpointError
from rl_router.observe.files import append_lines, read_json, read_lines, rewrite_lines, write_json
from rl_router.observe.formats import Budget
from rl_router.observe.redaction import redact
from rl_router.observe.versions import collect_versions


@dataclass(frozen=True)
class RunFolder:
    """The layout of a run. Nothing is created until something is written."""

    path: Path

    @staticmethod
    def open(path: str | Path) -> RunFolder:
        """The folder of a run that has begun; a CheckpointError in one sentence when `path` is none."""
        folder = RunFolder(Path(path))
        if not folder.config.is_file():
            raise CheckpointError(
                f"expected a run folder with a config.json at {path}, but found none: name a folder that"
                " `rl-router train` has written"
            )
        return folder

    @property
    def config(self) -> Path:
        return self.path / "config.json"

    @property
    def versions(self) -> Path:
        return self.path / "versions.json"

    @property
    def metrics(self) -> Path:
        return self.path / "metrics.jsonl"

    @property
    def episodes(self) -> Path:
        return self.path / "episodes.jsonl"

    @property
    def held_out(self) -> Path:
        return self.path / "held_out.jsonl"

    @property
    def results(self) -> Path:
        return self.path / "results.json"

    @property
    def choices(self) -> Path:
        return self.path / "choices.json"

    @property
    def report(self) -> Path:
        return self.path / "report.html"

    @property
    def tensorboard(self) -> Path:
        return self.path / "tensorboard"

    @property
    def checkpoints(self) -> Path:
        return self.path / "checkpoints"

    @property
    def warm_start(self) -> Path:
        return self.path / "warm_start"

    @property
    def router(self) -> Path:
        return self.path / "router"

    @property
    def policy(self) -> Path:
        return self.path / "policy"

    def write_config(self, config: Mapping[str, Any]) -> None:
        """The resolved config, secrets masked."""
        write_json(self.config, redact(config))

    def write_versions(self) -> None:
        write_json(self.versions, collect_versions())

    def write_results(self, rows: Iterable[Mapping[str, Any]]) -> None:
        write_json(self.results, {"rows": [dict(row) for row in rows]})

    def write_choices(self, rows: Iterable[Mapping[str, Any]]) -> None:
        write_json(self.choices, {"rows": [dict(row) for row in rows]})

    def append_metrics(self, row: Mapping[str, Any]) -> None:
        append_lines(self.metrics, [row])

    def append_episodes(self, rows: Iterable[Mapping[str, Any]]) -> None:
        append_lines(self.episodes, rows)

    def write_held_out(self, rows: Iterable[Mapping[str, Any]]) -> None:
        rewrite_lines(self.held_out, rows)

    def read_metrics(self) -> list[dict[str, Any]]:
        return read_lines(self.metrics)

    def read_episodes(self) -> list[dict[str, Any]]:
        return self._dialled(read_lines(self.episodes))

    def read_held_out(self) -> list[dict[str, Any]]:
        """Episodes of the finished policy on held-out questions; none before the run is evaluated."""
        return self._dialled(read_lines(self.held_out))

    def read_rows(self, path: Path) -> list[dict[str, Any]]:
        """The rows of `results.json` or `choices.json`; none when the file is not there yet."""
        if not path.is_file():
            return []
        value = read_json(path)
        rows = value.get("rows") if isinstance(value, dict) else None
        if not isinstance(rows, list):
            raise CheckpointError(
                f'expected {{"rows": […]}} in {path}, but its shape is another: evaluate the run again'
            )
        return self._dialled(rows)

    @property
    def is_budgeted(self) -> bool:
        """Whether the run's dial is set in USD."""
        config = read_json(self.config) if self.config.is_file() else {}
        reward = config.get("reward") if isinstance(config, dict) else None
        return isinstance(reward, dict) and reward.get("kind") == "budgeted"

    def _dialled(self, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Settings of the dial that know what they are."""
        if not self.is_budgeted:
            return rows
        return [
            row | {"cost_weight": Budget(row["cost_weight"])} if row.get("cost_weight") is not None else row
            for row in rows
        ]

    def rewind(self, step: int) -> None:
        """Forget metrics and episodes after `step`, the last whole checkpoint: they are about to be made again."""
        for path in (self.metrics, self.episodes):
            rows = read_lines(path)
            kept = [row for row in rows if row.get("step") is None or row["step"] <= step]
            if len(kept) < len(rows):
                rewrite_lines(path, kept)
