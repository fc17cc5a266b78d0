"""The figures that a reader can check against papers, from the files they were published for."""

import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from rl_router import cli
from rl_router.data.table import RoutingTable
from rl_router.errors import DataError
from rl_router.evaluation.published import routellm, routerbench, routerdc, suites
from rl_router.evaluation.published.figure import Figure, only_ours, to_the_digit

DATA = Path(__file__).parents[3].parent / "shared" / "data"
FOLDERS = {name: folder for name, (folder, _) in suites.SUITES.items()}


@pytest.fixture(scope="module")
def figures() -> dict[str, list[Figure]]:
    found = {}
    for name, (folder, compute) in suites.SUITES.items():
        path = DATA / folder / "long.parquet"
        if path.is_file():
            found[name] = compute(RoutingTable.read(path))
    return found


def of(figures: dict[str, list[Figure]], suite: str) -> dict[tuple[str, str], Figure]:
    if suite not in figures:
        pytest.skip(f"there is no {DATA / FOLDERS[suite]}")
    return {(row.suite, row.quantity): row for row in figures[suite]}


@pytest.mark.parametrize("suite", list(suites.SUITES))
def test_every_published_number_of_a_suite_agrees(figures, suite: str):
    rows = of(figures, suite).values()
    assert [row.quantity for row in rows if row.agrees is False] == []
    assert any(row.agrees for row in rows)


@pytest.mark.parametrize(
    ("benchmark", "n", "gpt4", "mixtral", "oracle", "clipped", "length", "cpt50", "cpt80"),
    [
        ("MMLU", 14_037, 80.59, 68.09, 1.285, 0.938, 0.584, 36.7, 69.2),
        ("GSM8K", 1_307, 85.77, 63.73, 1.121, 0.890, 0.599, 36.5, 66.7),
    ],
)
def test_routellms_files_give_the_published_figures_to_the_last_digit(
    figures, benchmark, n, gpt4, mixtral, oracle, clipped, length, cpt50, cpt80
):
    rows = of(figures, "routellm")

    def shown(quantity: str) -> float:
        row = rows[f"RouteLLM {benchmark}", quantity]
        assert row.n == n
        return round(row.ours, row.decimals)

    assert [shown("GPT-4, %"), shown("Mixtral, %")] == [gpt4, mixtral]
    assert [shown("oracle, APGR of every share"), shown("oracle, recovery counted up to 1")] == [oracle, clipped]
    length_row = [f"prompt length, {what}, eleven points" for what in ("APGR", "CPT(50), %", "CPT(80), %")]
    assert [shown(quantity) for quantity in length_row] == [length, cpt50, cpt80]


@pytest.mark.parametrize(
    ("benchmark", "spread"), [("MMLU", 0.009), ("GSM8K", 0.020), ("MT-Bench, where 72 questions decide nothing", 0.069)]
)
def test_random_routing_is_half_way_within_its_spread(figures, benchmark: str, spread: float):
    rows = of(figures, "routellm")
    mean = rows[f"RouteLLM {benchmark}", f"random, mean APGR of {routellm.RANDOM_RUNS:,} runs"]
    assert mean.ours == pytest.approx(0.5, abs=4 * spread / np.sqrt(routellm.RANDOM_RUNS))
    row = rows[f"RouteLLM {benchmark}", "random, sd of one run"]
    assert row.ours == pytest.approx(spread, rel=0.07)
    assert ("noise" in row.note) == benchmark.startswith("MT-Bench")


def test_regrading_gsm8k_finds_the_42_right_answers_marked_wrong(figures):
    rows = of(figures, "routellm")
    assert rows["RouteLLM GSM8K, regraded", "GPT-4 answers wrongly marked wrong"].ours == 42
    assert rows["RouteLLM GSM8K, regraded", "GPT-4, %"].ours > rows["RouteLLM GSM8K", "GPT-4, %"].ours + 3


def test_routerbenchs_zero_router_and_oracle_have_their_aiq(figures):
    rows = of(figures, "routerbench")
    assert rows[routerbench.SUITE, "AIQ of the zero router"].ours == pytest.approx(0.823, abs=0.002)
    assert rows[routerbench.SUITE, "AIQ of the oracle"].ours == pytest.approx(0.975, abs=0.002)


def test_routerdcs_single_models_have_their_published_accuracies(figures):
    rows = of(figures, "routerdc")
    ours = [rows[routerdc.SUITE, f"dolphin-2.9-llama3-8b, {task}, %"].ours for task in routerdc.TASKS.values()]
    assert [round(value, 2) for value in ours] == [59.46, 69.81, 44.72, 49.43, 49.39]


def rows_of(query_id: str, dataset: str, weak: float, strong: float, text: str, response: str = "") -> list[dict]:
    shared = {
        "dataset": dataset, "split": "test", "query_id": query_id, "query": text, "task": "t", "cost_usd": None,
        "ground_truth": "so 2 · 32 = 64\n#### 64", "prompt_tokens": 1, "completion_tokens": 1, "response": response,
    }  # fmt: skip
    return [
        shared | {"model": model, "score": score} for model, score in ((routellm.WEAK, weak), (routellm.STRONG, strong))
    ]


def test_an_answer_of_64_dollars_is_64():
    rows = rows_of("g1", "routellm_gsm8k", 0.0, 0.0, "how many dollars", "it costs $64.00.")
    assert routellm.regraded(RoutingTable(pl.DataFrame(rows))).strong.tolist() == [1]


def test_the_oracle_frontier_goes_from_cheap_to_good():
    # model 1 is right where model 0 is wrong, at ten times the price
    quality, cost_usd = np.array([[1.0, 1.0], [0.0, 1.0]]), np.array([[0.001, 0.01], [0.001, 0.01]])
    costs, heights = routerbench.oracle_frontier(quality, cost_usd)
    assert (costs[0], heights[0]) == (pytest.approx(0.0055), 1.0)
    assert (costs[-1], heights[-1]) == (pytest.approx(0.001), 0.5)


def test_a_figure_agrees_to_the_last_digit_given():
    assert to_the_digit("s", "q", 0.823, 0.8234, 3, n=1, source="").agrees
    assert not to_the_digit("s", "q", 0.823, 0.8236, 3, n=1, source="").agrees
    assert only_ours("s", "q", 0.8, 3, n=1).agrees is None


def test_the_command_says_what_agrees_and_fails_when_something_does_not(monkeypatch, tmp_path, capsys):
    (tmp_path / "made").mkdir()
    RoutingTable(pl.DataFrame(rows_of("q", "d", 0.0, 1.0, "?"))).write(tmp_path / "made" / "long.parquet")
    right = to_the_digit("made", "accuracy, %", 50.0, 50.001, 2, n=1, source="a paper")
    wrong = to_the_digit("made", "accuracy, %", 50.0, 51.0, 2, n=1, source="a paper")
    monkeypatch.setattr(suites, "SUITES", {"made": ("made", lambda table: [right])})
    assert cli.main(["reproduce", "--data", str(tmp_path)]) == 0
    assert "1 of 1 numbers agree" in capsys.readouterr().out
    assert cli.main(["reproduce", "made", "--data", str(tmp_path), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)[0]["agrees"] is True
    monkeypatch.setattr(suites, "SUITES", {"made": ("made", lambda table: [wrong])})
    assert cli.main(["reproduce", "--data", str(tmp_path)]) == 1
    assert "made: accuracy, %" in capsys.readouterr().err


def test_files_that_are_not_there_are_named(tmp_path, capsys):
    with pytest.raises(DataError, match="expected a routing table at"):
        suites.reproduce(tmp_path, ["routerdc"])
    with pytest.raises(DataError, match="no suite 'gpqa'"):
        suites.reproduce(tmp_path, ["gpqa"])
    with pytest.raises(DataError, match="No suite's files"):
        suites.reproduce(tmp_path)
    assert "routellm: left out" in capsys.readouterr().err
