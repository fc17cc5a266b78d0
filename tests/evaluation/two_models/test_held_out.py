import json

import numpy as np
import polars as pl
import pytest

from rl_router.data.table import RoutingTable
from rl_router.evaluation.two_models.held_out import HeldOut, Split, few_labels, judged, main, markdown


@pytest.fixture
def table() -> RoutingTable:
    """The weak model fails what is about primes, the strong one nothing; in a test of 200 a word decides."""
    rows = [
        {
            "dataset": "made", "split": "test", "query_id": f"q{i}", "query": f"{word} number {i}", "task": "t",
            "ground_truth": None, "model": model, "score": float(model == "s" or word == "even"), "cost_usd": None,
            "prompt_tokens": 1, "completion_tokens": 1, "response": None,
        }
        for i in range(200)
        for word in ("prime" if i % 2 else "even",)
        for model in "ws"
    ]  # fmt: skip
    return RoutingTable(pl.DataFrame(rows, infer_schema_length=None))


def test_no_question_is_both_fitted_and_judged_on_and_seeds_hold_out_others(table):
    one, other = (Split.of(table, share=0.5, seed=seed, weak="w", strong="s") for seed in (0, 1))
    fit, asked = ({query.query_id for query in pair.queries} for pair in (one.labelled, one.asked))
    assert not fit & asked and len(fit | asked) == 200
    assert 70 < len(asked) < 130
    assert asked != {query.query_id for query in other.asked.queries}


def test_a_few_labels_find_the_word_that_decides(table):
    split = Split.of(table, share=0.5, seed=0, weak="w", strong="s")
    rates, labels = few_labels(split, 40, seed=0)
    assert labels == 40
    row = judged(split, "few", 0, rates, labels)
    # whatever the weak model fails comes first: recovery rises to 1 at that share of the questions and stays there
    hard = float(np.mean(split.asked.weak == 0))
    assert row.apgr == pytest.approx(1 - hard / 2)
    assert row.cpt_50 == pytest.approx(hard / 2)


def test_the_command_shows_means_over_seeds_and_measures_nothing_twice(table, tmp_path, capsys):
    table.write(tmp_path / "table.parquet")
    command = [str(tmp_path / "table.parquet"), "--routers", "ridge", "--few", "40", "--seeds", "2"]
    command += ["--folder", str(tmp_path / "kept")]
    assert main([*command, "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert [(row["router"], row["seed"]) for row in rows[:3]] == [
        ("prompt length", 0), ("TF-IDF + logistic regression, 40 labels", 0), ("ridge", 0),
    ]  # fmt: skip
    assert [row["labels"] for row in rows[:2]] == [0, 40]
    assert all(row["apgr"] > 0.7 for row in rows if row["router"] == "ridge")
    kept = (tmp_path / "kept" / "results.jsonl").read_text()
    assert main(command) == 0
    assert (tmp_path / "kept" / "results.jsonl").read_text() == kept
    assert "| ridge | " in capsys.readouterr().out


def test_a_mean_over_seeds_has_its_standard_error():
    rows = [
        HeldOut(router="r", seed=seed, labels=10, n=10, apgr=apgr, eleven_apgr=apgr, cpt_50=0.5, cpt_80=0.5)
        for seed, apgr in enumerate((0.6, 0.7))
    ]
    # the standard deviation of two values 0.1 apart is 0.0707, of their mean 0.05
    assert "| r | 10 | 0.6500 ± 0.0500 |" in markdown(rows)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        (["--dataset", "other"], "no dataset 'other'"),
        (["--held-out", "1"], "between 0 and 1"),
        (["--routers", "nobody"], "unknown router 'nobody'"),
    ],
)
def test_what_cannot_be_judged_is_refused(table, tmp_path, capsys, changes, says):
    table.write(tmp_path / "table.parquet")
    assert main([str(tmp_path / "table.parquet"), "--folder", str(tmp_path), *changes]) == 2
    assert says in capsys.readouterr().err
