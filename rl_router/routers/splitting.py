"""Which rows a job fits on and which it is tested on, so that no test query was seen."""

from __future__ import annotations

from typing import Any

import polars as pl

from rl_router.data.table import RoutingTable
from rl_router.errors import DataError
from rl_router.routers.job import RouterJob, Splits
from rl_router.routers.seeded import uniform


def split_table(job: RouterJob[Any]) -> tuple[RoutingTable, RoutingTable]:
    """(fit, test) of the job's table. A test query whose text is also fitted on is left out of the test, unless the job
    says that both splits are the same."""
    splits = job.splits
    table = RoutingTable.read(job.data).select(models=job.models, task=job.tasks)
    _check_splits(table, splits)
    fit_on = table if splits.fit is None else table.select(split=splits.fit)
    if splits.test is None:
        fit_on, test = held_out(fit_on, splits.held_out, job.seed)
    elif splits.test == splits.fit:
        return fit_on, fit_on
    else:
        test = table.select(split=splits.test)
        if splits.fit is None:
            fit_on = _rows(table, table.frame["split"] != splits.test)
    seen = fit_on.frame["query"].unique()
    unseen = _rows(test, ~test.frame["query"].is_in(seen.implode()))
    for part, name in ((fit_on, "fit"), (unseen, "test")):
        if part.frame.is_empty():
            why = "" if test.frame.is_empty() or part is fit_on else ", because all texts to test are fitted on too"
            raise DataError(f"The {table.where} leaves no query to {name} on{why}; choose other splits.")
    return fit_on, unseen


def _check_splits(table: RoutingTable, splits: Splits) -> None:
    known = sorted(table.frame["split"].unique())
    for key, name in (("fit", splits.fit), ("test", splits.test)):
        if name is not None and name not in known:
            instead = "every row" if key == "fit" else f"{splits.held_out:g} of the queries that are fitted on"
            raise DataError(
                f"The {table.where} has no split {name!r} to {key} on; it has {', '.join(known)}: name one with"
                f" splits.{key}=NAME, or take {instead} with splits.{key}=null"
            )


def held_out(table: RoutingTable, share: float, seed: int) -> tuple[RoutingTable, RoutingTable]:
    """(the rest, the held-out queries): equal texts stay together, and neither rows nor their order matter."""
    out = pl.Series([uniform(seed, "held out", text) < share for text in table.frame["query"]], dtype=pl.Boolean)
    return _rows(table, ~out), _rows(table, out)


def _rows(table: RoutingTable, mask: pl.Series) -> RoutingTable:
    return table.part(table.frame.filter(mask))
