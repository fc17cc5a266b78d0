import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from rl_router import cli
from rl_router.data.table import RoutingTable
from rl_router.errors import DataError
from rl_router.evaluation.statistics.comparison import Verdict
from rl_router.evaluation.two_models.pair import Pair, pair_of, weak_and_strong
from rl_router.evaluation.two_models.recovery import recoveries, win_rates
from rl_router.routers.best_per_task import BestPerTask
from rl_router.types import Query

NAN = float("nan")


def row(query_id: str, model: str, score: float | None, text: str = "?", task: str = "t") -> dict:
    return {
        "dataset": "made", "split": "test", "query_id": query_id, "query": text, "task": task, "ground_truth": None,
        "model": model, "score": score, "cost_usd": None, "prompt_tokens": 1, "completion_tokens": 1, "response": None,
    }  # fmt: skip


def table(rows: list[dict]) -> RoutingTable:
    return RoutingTable(pl.DataFrame(rows, infer_schema_length=None))


def test_all_turns_of_a_conversation_are_one_question_with_the_first_prompt():
    turns = {"c/7/turn2": ("first\nsecond", 0.4, 0.8), "c/7/turn1": ("first", 0.6, 1.0)}
    rows = [
        row(query_id, model, score, text)
        for query_id, (text, weak, strong) in turns.items()
        for model, score in (("w", weak), ("s", strong))
    ]
    pair = pair_of(table(rows), weak="w", strong="s")
    assert [query.text for query in pair.queries] == ["first"]
    assert pair.lengths.tolist() == [5]
    assert [*pair.weak, *pair.strong] == pytest.approx([0.5, 0.9])


def test_of_two_models_the_better_one_is_the_strong_one_and_of_three_they_must_be_named():
    two = table([row("a", "x", 0.9), row("a", "y", 0.1)])
    three = table([row("a", model, 0.5) for model in "xyz"])
    assert weak_and_strong(two) == ("y", "x")
    assert weak_and_strong(two, "x", "y") == ("x", "y")
    assert weak_and_strong(three, "z", "x") == ("z", "x")
    with pytest.raises(DataError, match="has x, y, z"):
        weak_and_strong(three)


def pair_of_forty() -> Pair:
    """The weak model fails the first twenty questions; length says nothing about which."""
    queries = tuple(Query(query_id=str(i), text="q" * (i % 7 + 1), answers=(), task="t") for i in range(40))
    weak = np.where(np.arange(40) < 20, 0.0, 1.0)
    return Pair(queries=queries, weak=weak, strong=np.ones(40))


def test_a_router_that_knows_the_hard_half_beats_prompt_length():
    knows = -np.arange(40.0)
    good, blind, length, oracle = recoveries(
        pair_of_forty(), {"good": knows, "blind": np.zeros(40)}, rng=np.random.default_rng(0)
    )
    # recovery rises to 1 at half of the questions and stays
    assert good.apgr == good.apgr_up_to_1 == oracle.apgr == pytest.approx(0.75)
    assert (good.cpt_50, good.cpt_80) == (pytest.approx(0.25), pytest.approx(0.4))
    assert good.eleven_apgr == pytest.approx(0.75, abs=0.01)
    assert good.verdict is oracle.verdict is Verdict.BETTER
    assert blind.apgr == pytest.approx(0.5)
    assert blind.verdict is Verdict.NO_DIFFERENCE
    assert length.verdict is None
    assert 0.02 < length.apgr_se < 0.12


def test_a_router_whose_deciles_coincide_has_no_eleven_points():
    blind, *_ = recoveries(pair_of_forty(), {"blind": np.zeros(40)}, rng=np.random.default_rng(0))
    assert np.isnan(blind.eleven_apgr) and np.isnan(blind.eleven_cpt_50)


def test_questions_that_one_model_was_not_graded_on_are_left_out():
    pair = pair_of_forty()
    holes = Pair(queries=pair.queries, weak=np.where(np.arange(40) == 39, NAN, pair.weak), strong=pair.strong)
    good, *_ = recoveries(holes, {"good": -np.arange(40.0)}, rng=np.random.default_rng(0))
    assert good.n == 39
    assert good.apgr == pytest.approx(1 - 0.5 * 20 / 39)


@pytest.fixture
def saved(tmp_path) -> tuple[Path, Path]:
    """A table on which the weak model fails one task of two, and a router that has learned which."""
    rows = [
        row(f"{task}{i}", model, float(model == "s" or task == "easy"), "q" * (i + 1), task)
        for task in ("easy", "hard")
        for i in range(10)
        for model in ("w", "s")
    ]
    table(rows).write(tmp_path / "table.parquet")
    BestPerTask().fit(table(rows)).save(tmp_path / "router")
    return tmp_path / "table.parquet", tmp_path / "router"


def test_the_command_judges_a_saved_router_beside_prompt_length_and_the_oracle(saved, capsys):
    path, router = saved
    assert cli.main(["recovery", str(path), str(router), "--json"]) == 0
    (rows,) = json.loads(capsys.readouterr().out).values()
    assert [found["router"] for found in rows] == [str(router), "prompt length", "oracle"]
    assert rows[0]["apgr"] == rows[2]["apgr"] == pytest.approx(0.75)
    assert rows[0]["eleven_apgr"] is None  # two scores have no ten quantiles
    assert cli.main(["recovery", str(path), str(router)]) == 0
    assert "made: w or s, n = 20" in capsys.readouterr().out


def test_a_router_that_does_not_know_the_models_is_refused(saved, capsys):
    path, router = saved
    rows = [row(f"q{i}", model, 0.5) for i in range(3) for model in ("other", "s")]
    table(rows).write(path.parent / "other.parquet")
    assert cli.main(["recovery", str(path.parent / "other.parquet"), str(router)]) == 2
    assert "does not know other" in capsys.readouterr().err
    with pytest.raises(DataError, match="does not know nobody"):
        win_rates(BestPerTask().fit(table(rows)), pair_of_forty(), weak="nobody", strong="s")
