"""A suite: benchmarks × routers × cost weights × seeds, as one frozen value that a recipe in recipes/suites/ states."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, TypeAdapter

from rl_router.errors import RecipeError

_FORBID = {"extra": "forbid"}
Weight = Annotated[float, Field(ge=0.0, allow_inf_nan=False)]


@dataclass(frozen=True, kw_only=True)
class Splits:
    """Which split of the table is judged and which is fitted on. `holdout`: a table without a split to fit on gives
    this share of its queries to the test, drawn by a hash of their ids, and the rest to the fit."""

    __pydantic_config__ = _FORBID
    test: str = "test"
    fit: str = "train"
    holdout: Annotated[float, Field(gt=0.0, lt=1.0)] | None = None


@dataclass(frozen=True, kw_only=True)
class Live:
    """How models are asked. `endpoint` serves those whose pool file names none; `judge` is the model of the pool's file
    that grades what needs one, whether it is asked for answers too or not; `cache` holds recorded calls that several
    runs share. `queries` is how many questions of each benchmark and split are asked; a table that is replayed instead
    is judged whole."""

    __pydantic_config__ = _FORBID
    queries: Annotated[int, Field(ge=1)] | None = None
    endpoint: str | None = None
    judge: str | None = None
    cache: Path | None = None
    concurrency: Annotated[int, Field(ge=1)] = 16


@dataclass(frozen=True, kw_only=True)
class Suite:
    """One evaluation.

    `table` is a routing table to replay. Without one, `benchmarks` are asked live of the models of `pool`, or the
    `questions` of a file that `rl-router data queries` wrote. `queries` judges so many of each data set. `routers`
    are names, folders, `model:NAME`, `url:http://…`, or mappings `{router: NAME, name: SHOWN, key: value}`. Utility at
    cost weight λ is quality − λ · cost / cost of a mean call to the strongest model.
    """

    __pydantic_config__ = _FORBID
    name: str
    run_dir: Path
    table: Path | None = None
    benchmarks: tuple[str, ...] = ()
    questions: Path | None = None
    pool: str | None = None
    models: tuple[str, ...] = ()
    """Part of the table's or the pool's models; empty: all of them."""
    tasks: tuple[str, ...] = ()
    """Part of the table's tasks; empty: all of them."""
    routers: tuple[str | dict[str, Any], ...] = ()
    cost_weights: Annotated[tuple[Weight, ...], Field(min_length=1)] = (0.0, 0.1, 0.25, 0.5, 1.0)
    seeds: Annotated[tuple[int, ...], Field(min_length=1)] = (0,)
    queries: Annotated[int, Field(ge=1)] | None = None
    splits: Splits = field(default_factory=Splits)
    live: Live = field(default_factory=Live)
    max_tokens: Annotated[int, Field(ge=1)] | None = None
    """The limit that every model answers under: live, it is sent; replayed, an answer of that length was cut off."""
    usd_per_call: Mapping[str, Annotated[float, Field(ge=0.0)]] = field(default_factory=dict)
    """Assumed prices of a call, for a table that records neither costs nor tokens; the report says so."""
    budget_usd: Annotated[float, Field(gt=0.0)] | None = None
    """The most that the run may pay in all: the pool's models, the judge and every `url:…` router."""
    custom_tasks: str | None = None
    """A .py file, or a folder of them: benchmarks, graders and metrics of your own. None: those of ./custom_tasks."""
    resume: bool = True

    def __post_init__(self) -> None:
        if len(set(self.cost_weights)) < len(self.cost_weights):
            raise RecipeError(f"expected different cost_weights, got {list(self.cost_weights)}")
        if self.table is None and not self.benchmarks and self.questions is None:
            raise RecipeError(
                "a suite needs something to judge routers on: add table=PATH.parquet, or benchmarks=[…] and pool=NAME"
            )
        if self.table is None and self.pool is None:
            raise RecipeError("a live suite needs a pool that answers: add pool=NAME, or replay table=PATH.parquet")


def suite_adapter() -> TypeAdapter[Suite]:
    return TypeAdapter(Suite)


def suite_to_dict(suite: Suite) -> dict[str, Any]:
    found: dict[str, Any] = suite_adapter().dump_python(suite, mode="json")
    return found


def suite_from_dict(values: dict[str, Any]) -> Suite:
    return suite_adapter().validate_python(values)
