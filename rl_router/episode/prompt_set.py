"""A prompt set of `rl-router data prompts` as a trainer takes it: what is asked, at which cost weight, of which models.

How it is said is the run's own: its dialect writes the prompt, its task answers. So one set serves every dialect.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from rl_router.data.parquet import read_parquet
from rl_router.errors import DataError
from rl_router.types import Query

log = logging.getLogger(__name__)

PROMPTS = "prompts.parquet"


@dataclass(frozen=True, kw_only=True, slots=True)
class Prompt:
    """One group of episodes: a question as the set words it, its cost weight, and the models that it may ask.

    No models: all of the task's pool.
    """

    query: Query
    cost_weight: float
    models: tuple[str, ...] = ()


def prompts_path(path: Path | str) -> Path:
    """The file itself, or the one in the folder that `data prompts` wrote."""
    path = Path(path).expanduser().absolute()
    return path / PROMPTS if path.is_dir() else path


def prompted(
    path: str | None, train: Sequence[Query], models: Sequence[str]
) -> tuple[tuple[Prompt, ...], tuple[Query, ...]]:
    """The prompts of a set about questions of `train`, and those questions as it words them; without a set, all."""
    if path is None:
        return (), tuple(train)
    prompts, others = read_prompt_set(Path(path), train, models)
    log.info("Prompts: %d of %s; %d are about questions that are not trained on.", len(prompts), path, others)
    return tuple(prompts), tuple({prompt.query.query_id: prompt.query for prompt in prompts}.values())


def read_prompt_set(path: Path, queries: Iterable[Query], models: Collection[str]) -> tuple[list[Prompt], int]:
    """The prompts about `queries`, in the set's order, and how many are about others.

    A question is known by its data set and its id. DataError for a file that is no prompt set, for a model that is not
    one of `models`, and when no prompt is left.
    """
    known = {(query.dataset or query.task, query.query_id): query for query in queries}
    frame = read_parquet(path, "prompt set")
    prompts: list[Prompt] = []
    for source, row in _rows(frame, path):
        query = known.get((source, row["query_id"]))
        if query is None:
            continue
        unknown = [model for model in row["models"] if model not in models]
        if unknown:
            raise DataError(
                f"The prompt set {path} asks {unknown[0]!r}, and the pool has {', '.join(models)}; train it with the "
                f"pool that it was made with."
            )
        query = replace(query, text=row["question"])
        own = () if row["models"] == list(models) else tuple(row["models"])
        prompts.append(Prompt(query=query, cost_weight=float(row["cost_weight"]), models=own))
    if not prompts:
        raise DataError(
            f"None of the {len(frame)} prompts of {path} is about a training question of this task; make the set from "
            f"the task's own table."
        )
    return prompts, len(frame) - len(prompts)


def _rows(frame: Any, path: Path) -> Iterable[tuple[str, dict[str, Any]]]:
    wanted = {"query_id", "question", "cost_weight", "models"}
    info = frame.schema.get("extra_info")
    missing = wanted - {field.name for field in getattr(info, "fields", ())}
    if missing or "data_source" not in frame.columns:
        raise DataError(
            f"{path} is no prompt set: it lacks {', '.join(sorted(missing)) or 'data_source'}; make one with "
            f"`rl-router data prompts`."
        )
    return zip(frame["data_source"], frame["extra_info"], strict=True)
