"""`evaluate RUN` of classical runs: changes lie over the run's config, and what is found is said."""

import json


def test_a_change_of_one_key_leaves_its_neighbours(here, ask):
    """The run holds out no rows: splits.held_out alone must not forget which split is for testing."""
    ask("evaluate", "runs/knn", "splits.fit=train", "cost_weights=[0]")
    rows = json.loads((here / "runs/knn/results.json").read_text())["rows"]
    assert {row["n"] for row in rows} == {12}
    assert {row["cost_weight"] for row in rows} == {0}


def test_an_unknown_key_is_refused_with_its_neighbours(here, refused):
    assert "unknown key splits.tset in the run" in refused("evaluate", "runs/knn", "splits.tset=train")


def test_the_table_says_how_near_the_oracle_a_router_comes(here, ask):
    """kNN answers all: 8 poems by small and 4 proofs by large, as the oracle does."""
    said = ask("evaluate", "runs/knn", "cost_weights=[0]")
    assert "% of oracle" in said and "best table" not in said
    row = next(line for line in said.splitlines() if " knn " in line)
    assert "100.0%" in row


def test_the_report_has_findings_about_the_router_of_the_run(here, ask):
    ask("evaluate", "runs/cascade", "cost_weights=[0]")
    report = (here / "runs/cascade/report.html").read_text()
    assert "knn+cascade" in report
    assert "No point of knn+cascade is dominated" in report or "Dominated by a fixed router" in report


def test_a_cascade_pays_for_every_call_of_its_routes(here, ask):
    """8 poems that small answers, 4 proofs that it does not: 12 calls of it and 4 of large."""
    ask("evaluate", "runs/cascade", "cost_weights=[0]")
    rows = json.loads((here / "runs/cascade/results.json").read_text())["rows"]
    mine = next(row for row in rows if row["router"] == "knn+cascade")
    assert (mine["quality"], mine["calls"]) == (1.0, 16 / 12)
    assert abs(mine["cost_usd"] - (12 * 0.001 + 4 * 0.01) / 12) < 1e-9
