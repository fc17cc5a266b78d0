"""`rl-router train NAME data=TABLE` for every router that ships, as its recipe says; its folder is all that routes."""

import json
from importlib.util import find_spec

import polars as pl
import pytest

from rl_router.routers.registry import BUILT_IN, entry

POEM, PROOF = "poem number99", "proof number99"
FEW = dict.fromkeys(("bert", "causal_lm", "gmtrouter"), ["router.training.max_epochs=15"])
CHANGES = {**FEW, "mlp": ["router.training.learning_rate=0.01"]}
"""What spares time, and larger steps where 48 queries make few of them; else as whoever types only the name gets it."""
FIXED = {"smallest", "largest", "random"}
BLIND = FIXED | {"user_elo"}
"""They do not read the query."""


@pytest.fixture
def asked(here):
    """The table of poems and proofs, asked by two people."""
    odd = pl.col("query_id").str.tail(1).cast(pl.Int64) % 2 == 1
    meta = pl.when(odd).then(pl.lit('{"user": "ada"}')).otherwise(pl.lit('{"user": "bob"}'))
    pl.read_parquet(here / "table.parquet").with_columns(meta=meta).write_parquet(here / "asked.parquet")
    return here / "asked.parquet"


@pytest.fixture(params=[found.name for found in BUILT_IN])
def name(request):
    missing = [need for need in entry(request.param).needs if need in ("torch", "transformers") and not find_spec(need)]
    if missing:
        pytest.skip(f"{request.param} needs {missing[0]}")
    return request.param


@pytest.mark.timeout(120)
def test_every_router_trains_by_its_name_alone_and_routes_from_its_folder(name, asked, here, ask, refused):
    """8 poems that small answers for $0.001 and 4 proofs for $0.01: who reads the query has all right for $0.004 each,
    or $0.0043 where small is asked first."""
    ask("train", name, f"data={asked}", *CHANGES.get(name, []))
    run = here / "runs" / name
    rows = json.loads((run / "results.json").read_text())["rows"]
    frontier = [(row["quality"], round(row["cost_usd"], 4)) for row in rows if row["router"] == name]
    assert len(frontier) == 6
    assert name in BLIND or {(1.0, 0.004), (1.0, 0.0043)} & set(frontier)
    goal = ("calibrate", run, "--budget-usd-per-1k", "10.5")
    if name in FIXED:
        assert "has no dial to set" in refused(*goal)
    else:
        found = json.loads(ask(*goal, "--json"))
        assert found["cost_usd_per_1k"] <= 10.5 and found["measured"] == "recorded"
        ask("calibrate", run, "--clear")
    ask("evaluate", run)
    assert json.loads((run / "results.json").read_text())["rows"] == rows
    asked.unlink()
    if name == "oracle":
        assert "has no recorded answers to query 'typed'" in refused("route", run, POEM)
        return
    (here / "queries.txt").write_text(f"{POEM}\n{PROOF}\n")
    for weight in ("0", "0.2"):
        chosen = [json.loads(ask("route", run, query, "--cost-weight", weight, "--json")) for query in (POEM, PROOF)]
        lines = ask("infer", run, "--input", "queries.txt", "--route-only", "--cost-weight", weight)
        assert name == "random" or lines == f"{chosen[0]['model']}  {POEM}\n{chosen[1]['model']}  {PROOF}\n"
        assert all(set(one["predicted_cost_usd"]) == {"small", "large"} for one in chosen)
