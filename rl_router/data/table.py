"""The routing table: what each model scored and cost on each query. One row per (query, model), checked when read."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import polars as pl

from rl_router.data.parquet import read_parquet, write_parquet
from rl_router.data.queries import query_of
from rl_router.data.schema import checked
from rl_router.errors import DataError
from rl_router.types import Query


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """What one model did with one query. None is unknown: an ungraded answer is not a wrong one."""

    query_id: str
    model: str
    score: float | None
    cost_usd: float | None
    prompt_tokens: int | None
    completion_tokens: int | None
    response: str | None


class RoutingTable:
    """Queries × models. Columns beyond the schema are kept. `where` names the source in errors."""

    def __init__(self, frame: pl.DataFrame, where: str = "routing table") -> None:
        self.where = where
        self.frame = checked(frame, where)

    @classmethod
    def read(cls, path: Path | str) -> RoutingTable:
        """The table in a parquet file, or a DataError in one sentence."""
        frame = read_parquet(path, "routing table")
        return cls(frame, where=f"routing table {path}")

    def write(self, path: Path | str) -> None:
        """Write parquet so that `path` holds the whole table or what it held before."""
        write_parquet(self.frame, path, "routing table")

    @cached_property
    def models(self) -> tuple[str, ...]:
        """In the order of their first row."""
        return tuple(self.frame["model"].unique(maintain_order=True))

    @cached_property
    def query_ids(self) -> tuple[str, ...]:
        """In the order of their first row."""
        return tuple(self.frame["query_id"].unique(maintain_order=True))

    def queries(self, split: str | None = None) -> list[Query]:
        """Each query once, in the order of its first row."""
        frame = (self if split is None else self.select(split=split)).frame
        rows = frame.unique(subset="query_id", keep="first", maintain_order=True).iter_rows(named=True)
        return [query_of(row) for row in rows]

    def select(
        self, models: Sequence[str] | None = None, split: str | None = None, task: str | Collection[str] | None = None
    ) -> RoutingTable:
        """The rows of these models, this split and this task; what the table does not hold is a DataError."""
        tasks = [task] if isinstance(task, str) else task
        wanted = {"model": models, "split": None if split is None else [split], "task": tasks}
        frame = self.frame
        for column, values in wanted.items():
            if values is not None:
                self._check_known(column, values)
                frame = frame.filter(pl.col(column).is_in(list(values)))
        return self.part(frame)

    def part(self, frame: pl.DataFrame) -> RoutingTable:
        """A table of rows of this one, with further columns perhaps: what was checked needs no second check."""
        part = RoutingTable.__new__(RoutingTable)
        part.where, part.frame = self.where, frame
        return part

    def matrix(
        self, column: str, query_ids: Sequence[str] | None = None, models: Sequence[str] | None = None
    ) -> np.ndarray:
        """[n, m] `column` as float64 with NaN for what is unknown, in the order of `query_ids` and `models`."""
        if column not in self.frame.columns or not self.frame[column].dtype.is_numeric():
            numeric = ", ".join(c for c in self.frame.columns if self.frame[c].dtype.is_numeric())
            raise DataError(f"The {self.where} has no column of numbers {column!r}; choose one of {numeric}.")
        for name, values in (("query_id", query_ids), ("model", models)):
            self._check_known(name, values or ())
        query_ids = self.query_ids if query_ids is None else query_ids
        models = self.models if models is None else models
        filled = self._filled(column)
        rows = [self._query_index[query_id] for query_id in query_ids]
        columns = [self._model_index[model] for model in models]
        return filled[np.ix_(rows, columns)]

    def cell(self, query_id: str, model: str) -> Row | None:
        """What `model` did with the query, None when the table has no such row."""
        return self._cells.get((query_id, model))

    def _filled(self, column: str) -> np.ndarray:
        if column not in self._matrices:
            filled = np.full((len(self.query_ids), len(self.models)), np.nan)
            filled[self._places] = self.frame[column].cast(pl.Float64).fill_null(float("nan")).to_numpy()
            self._matrices[column] = filled
        return self._matrices[column]

    def _check_known(self, column: str, values: Collection[str]) -> None:
        known = set(self.frame[column].unique())
        for value in values:
            if value not in known:
                some = ", ".join(sorted(known)[:12]) + (", …" if len(known) > 12 else "")
                raise DataError(f"The {self.where} has no {column} {value!r}; it has {some or 'no rows'}.")

    @cached_property
    def _matrices(self) -> dict[str, np.ndarray]:
        return {}

    @cached_property
    def _places(self) -> tuple[np.ndarray, np.ndarray]:
        """Where each row of the frame lies in a matrix: its query's and its model's index."""
        rows, columns = (
            self.frame[column].replace_strict(list(names), np.arange(len(names)), return_dtype=pl.Int64).to_numpy()
            for column, names in (("query_id", self.query_ids), ("model", self.models))
        )
        return rows, columns

    @cached_property
    def _query_index(self) -> dict[str, int]:
        return {query_id: i for i, query_id in enumerate(self.query_ids)}

    @cached_property
    def _model_index(self) -> dict[str, int]:
        return {model: i for i, model in enumerate(self.models)}

    @cached_property
    def _cells(self) -> dict[tuple[str, str], Row]:
        names = list(Row.__dataclass_fields__)
        rows = (Row(**dict(zip(names, values, strict=True))) for values in self.frame.select(names).iter_rows())
        return {(row.query_id, row.model): row for row in rows}
