"""Rows and tables: means and standard errors worked out by hand, JSON that comes back, text that a log can hold."""

import io
import json
from math import isnan, sqrt

import pytest
from rich.console import Console

from rl_router.errors import CheckpointError, DataError
from rl_router.evaluation.run.results import (
    Outcome,
    Row,
    outcome_of,
    print_table,
    read_results,
    standard_error,
    summarise,
    write_results,
)
from rl_router.types import Call, Episode, Mode, ModelReply, Query, StopReason

KEYS = "router cost_weight quality quality_se cost_usd reward reward_se calls format_rate n".split()  # noqa: SIM905


def outcome(quality=1.0, cost_usd=0.001, reward=0.5, calls=1, format_ok=True):
    return Outcome(
        query_id="q", task="t", quality=quality, cost_usd=cost_usd, calls=calls, format_ok=format_ok, reward=reward
    )


def row(router="policy", cost_weight=0.5, **changed):
    values = {
        "quality": 0.75, "quality_se": 0.25, "cost_usd": 0.000123, "reward": 0.5, "reward_se": 0.1, "calls": 1.5,
        "format_rate": 1.0, "n": 4,
    }  # fmt: skip
    return Row(router=router, cost_weight=cost_weight, **(values | changed))


def test_means_and_standard_errors_of_four_outcomes():
    outcomes = [
        outcome(1.0, 0.001, 0.8, 1),
        outcome(1.0, 0.002, 0.6, 2),
        outcome(0.0, 0.003, 0.0, 3),
        outcome(1.0, 0.006, -1.0, 0, format_ok=False),
    ]
    summary = summarise("policy", 0.5, outcomes)
    assert (summary.router, summary.cost_weight, summary.n) == ("policy", 0.5, 4)
    assert summary.quality == pytest.approx(0.75)
    assert summary.quality_se == pytest.approx(0.25)  # variance 0.75 / 3 = 0.25, s = 0.5, s / √4
    assert summary.cost_usd == pytest.approx(0.003)
    assert summary.reward == pytest.approx(0.1)
    assert summary.reward_se == pytest.approx(sqrt(1.96 / 3) / 2)  # deviations .7, .5, -.1, -1.1
    assert summary.calls == pytest.approx(1.5)
    assert summary.format_rate == pytest.approx(0.75)


def test_an_outcome_that_could_not_be_scored_is_left_out_and_never_a_zero():
    summary = summarise("policy", 0.0, [outcome(1.0, 0.001, 1.0), outcome(None, 9.0, None)])
    assert (summary.quality, summary.reward, summary.cost_usd, summary.n) == (1.0, 1.0, 0.001, 1)
    with pytest.raises(DataError, match="could be scored"):
        summarise("policy", 0.0, [outcome(None, 9.0, None)])


def test_one_value_has_no_standard_error():
    assert isnan(standard_error([1.0]))
    assert standard_error([0.0, 1.0]) == pytest.approx(0.5)


def test_an_episode_becomes_an_outcome():
    query = Query(query_id="q7", text="who is the rival of the author of silver river", answers=("x",), task="two_hop")
    calls = tuple(
        Call(model=model, query=text, reply=ModelReply(model=model, text="x"), cost_usd=0.001)
        for model, text in (("wiki", "who is the author of silver river"), ("titan", query.text))
    )
    episode = Episode(
        query=query, cost_weight=0.5, mode=Mode.ORCHESTRATE, segments=(), calls=calls, stop=StopReason.ANSWERED,
        answer="x", quality=1.0, format_ok=True, cost_usd=0.002, reward={"correct": 1.0, "cost": -0.25},
    )  # fmt: skip
    assert outcome_of(episode) == Outcome(
        query_id="q7", task="two_hop", quality=1.0, cost_usd=0.002, calls=2, format_ok=True, reward=0.75,
        models=("wiki", "titan"), decomposed=True,
    )  # fmt: skip


def test_results_json_has_exactly_the_promised_keys_and_comes_back(tmp_path):
    rows = [row(), row(router="oracle", cost_weight=None)]
    write_results(tmp_path / "results.json", rows)
    content = json.loads((tmp_path / "results.json").read_text())
    assert list(content) == ["rows"]
    assert [list(r) for r in content["rows"]] == [KEYS, KEYS]
    assert read_results(tmp_path / "results.json") == rows


def test_a_missing_standard_error_is_null_in_json_and_nan_again_when_read(tmp_path):
    path = tmp_path / "results.json"
    write_results(path, [row(n=1, quality_se=float("nan"))])
    assert json.loads(path.read_text())["rows"][0]["quality_se"] is None
    assert isnan(read_results(path)[0].quality_se)


@pytest.mark.parametrize("content", ['{"rows": [{"router": "policy"}]}', "[]", '{"rows": 3}', '{"rows": ['])
def test_results_of_another_shape_are_refused_in_a_sentence(tmp_path, content):
    path = tmp_path / "results.json"
    path.write_text(content)
    with pytest.raises(CheckpointError, match=r"results\.json"):
        read_results(path)


def test_the_table_is_plain_text_where_there_is_no_terminal_and_grouped_by_cost_weight():
    out = io.StringIO()
    rows = [row("oracle", 2.0), row("random", 0.0, n=1, reward_se=float("nan")), row("policy", 2.0), row("policy", 0.0)]
    print_table(rows, Console(file=out))
    text = out.getvalue()
    assert "\x1b" not in text
    assert "0.500 ± 0.200" in text and "$0.123" in text and "100.0%" in text  # $0.000123 a query
    lines = [line.split("|")[1:4] for line in text.splitlines() if line.startswith("|")][1:]
    assert [(a.strip(), b.strip()) for a, b, _ in lines] == [
        ("0", "policy"), ("", "random"), ("2", "policy"), ("", "oracle")
    ]  # fmt: skip
    assert lines[1][2].strip() == "0.500"
