"""Tables of an evaluation: the same cells everywhere, and a difference only where the test finds one."""

import csv
import io
import json

import pytest
from rich.console import Console

from rl_router.data.custom import METRICS
from rl_router.evaluation.report.headline import headline
from rl_router.evaluation.report.tables import csv_text, markdown, print_summary
from rl_router.evaluation.report.write import write_reports
from rl_router.evaluation.suite.evaluate import evaluate_suite


@pytest.fixture
def folder(suite_of):
    return evaluate_suite(suite_of(routers=("model:small",)))


def cells(text, router, heading):
    part = text.split(heading)[1]
    line = next(line for line in part.splitlines() if f"`{router}`" in line)
    return [cell.strip() for cell in line.strip("|").split("|")]


def test_six_queries_prove_nothing_and_the_table_says_so(folder):
    # the best single model at λ = 0 is large with 1.0; small has 0.5 on six queries, three of them worse
    row = cells(markdown(write_reports(folder)), "model:small", "## λ = 0\n")
    assert row[1] == "0.500 ± 0.447" and row[2] == "$1.00"  # s = √(0.3), 2 s / √6
    assert row[4] == "no difference (−0.500)"


def test_json_csv_and_terminal_tell_the_same_numbers(folder):
    summary = write_reports(folder)
    table = {(p["router"], p["cost_weight"]): p for p in json.loads(folder.results.read_text())["points"]}
    rows = list(csv.DictReader(io.StringIO(csv_text(summary))))
    assert len(rows) == len(table) == len(summary.points)
    for row in rows:
        assert float(row["quality"]) == table[row["router"], float(row["cost_weight"])]["quality"]
    out = io.StringIO()
    print_summary(summary, Console(file=out))
    assert "\x1b" not in out.getvalue()
    assert "no difference (−0.500)" in out.getvalue() and "reference rows" in out.getvalue()


def test_the_headline_names_ties_and_claims_no_difference_that_is_not_there(folder):
    first = headline(write_reports(folder))[0]
    assert "no difference from the best single model" in first or "best_single has the highest utility" in first
    assert "cannot be told from" in first


def test_a_metric_of_ones_own_is_a_column_of_the_csv_and_a_field_of_the_json(suite_of):
    METRICS.add("share_right", lambda quality, cost_usd: float((quality > 0.5).mean()))
    try:
        summary = write_reports(evaluate_suite(suite_of()))
        rows = list(csv.DictReader(io.StringIO(csv_text(summary))))
    finally:
        METRICS.remove("share_right")
    assert {row["share_right"] for row in rows} == {str(point.custom["share_right"]) for point in summary.points}
    assert next(point.custom for point in summary.points if point.router == "oracle")["share_right"] == 1.0
