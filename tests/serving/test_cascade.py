"""Cascades over real HTTP: verified, escalated, and never further than the budget of the request reaches.

`small` says "certain" where it is right and "perhaps" where it is wrong; `large` costs a hundred times as much.
"""

import json

import httpx
import polars as pl
import pytest
from scripted import completion, events, refusal

from rl_router.data.table import RoutingTable
from rl_router.routers.automix import AutoMix
from rl_router.routers.calibration import calibrate
from rl_router.routers.observations import Observations

SMALL_USD, LARGE_USD = 190e-6, 19e-3  # 80 · 1 + 20 · 0.5 + 50 · 2 per million, and a hundred times that
WAIT_S = 30


def table():
    rows = [
        {
            "dataset": "made_up", "split": "train", "query_id": f"q{i}", "query": f"question number{i}", "task": "t",
            "ground_truth": None, "model": model, "score": float(model == "large" or i % 2 == 0), "cost_usd": usd,
            "prompt_tokens": 100, "completion_tokens": 50, "self_verification": float(i % 2 == 0),
            "response": "certain yes" if i % 2 == 0 else "perhaps no",
        }
        for i in range(40)
        for model, usd in (("small", SMALL_USD), ("large", LARGE_USD))
    ]  # fmt: skip
    return RoutingTable(pl.DataFrame(rows, schema_overrides={"ground_truth": pl.String}))


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """AutoMix that reads replies, one that has the small model judge itself, and one that is calibrated to be cheap."""
    folder = tmp_path_factory.mktemp("cascades")
    reads = AutoMix(small="small", large="large").fit(table())
    reads.save(folder / "reads" / "router")
    AutoMix(small="small", large="large", verifier="self", samples=4).fit(table()).save(folder / "judges" / "router")
    observed = Observations.of(table())
    reads.calibration_ = calibrate(reads, "budget_usd_per_1k", 1000 * SMALL_USD * 1.01, observed.queries, observed)
    reads.save(folder / "cheap" / "router")
    return folder


@pytest.fixture
def asked(runs, gateway, tmp_path):
    """(answer, metadata, asked models, log line) of one request to the cascade `name` before `says(model)`."""

    def run(says, name="reads", stream=False, **fields):
        def reply(body):
            text = body["messages"][-1]["content"]
            found = says("verdict" if "Proposed answer" in text else body["model"])
            return found if not isinstance(found, str) else (events([found]) if stream else completion(found))

        body = {"model": "auto", "messages": [{"role": "user", "content": "question number3"}], "stream": stream}
        if name != "cheap":
            body["cost_weight"] = 0.3  # a wrong answer is dearer than a call to `large`, a likely right one is not
        with gateway(reply, routers={name: runs / name}) as (running, upstream):
            answer = httpx.post(f"{running.url}/chat/completions", json=body | fields, timeout=WAIT_S)
        assert answer.status_code == 200, answer.text
        (line,) = [json.loads(text) for text in (tmp_path / "log.jsonl").read_text().splitlines()]
        models = [body["model"] for body in upstream.bodies]
        if not stream:
            whole = answer.json()
            return whole["choices"][0]["message"]["content"], whole["router_metadata"], models, line
        chunks = [json.loads(e.removeprefix("data: ")) for e in answer.text.split("\n\n")[:-2]]
        text = "".join(c["choices"][0]["delta"].get("content") or "" for c in chunks if c["choices"])
        return text, next(c["router_metadata"] for c in chunks if "router_metadata" in c), models, line

    return run


def sure(model):
    return "certain yes" if model == "small" else "large"


def unsure(model):
    return "perhaps no" if model == "small" else "large"


@pytest.mark.parametrize("stream", [False, True])
def test_a_reply_that_is_trusted_is_the_answer_and_one_that_is_not_is_asked_for_again(asked, stream):
    text, metadata, models, _ = asked(sure, stream=stream)
    assert (text, models, metadata["stop"]) == ("certain yes", ["small"], "trusted")
    assert metadata["total_cost"] == pytest.approx(SMALL_USD)


@pytest.mark.parametrize("stream", [False, True])
def test_a_reply_that_is_not_trusted_is_paid_for_and_the_next_model_answers(asked, stream):
    text, metadata, models, line = asked(unsure, stream=stream)
    assert (text, models, metadata["stop"]) == ("large", ["small", "large"], "last_step")
    assert metadata["total_cost"] == pytest.approx(SMALL_USD + LARGE_USD) == line["cost_usd"]


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("budget_usd", [0.001, SMALL_USD + LARGE_USD - 1e-6])
def test_no_call_is_begun_that_passes_the_rest_of_the_budget(asked, stream, budget_usd):
    """The second budget would do for either model alone."""
    text, metadata, models, line = asked(unsure, stream=stream, budget_usd=budget_usd)
    assert (text, models, metadata["stop"]) == ("perhaps no", ["small"], "over_budget")
    assert metadata["total_cost"] == pytest.approx(SMALL_USD) and line["stop"] == "over_budget"


def test_a_budget_for_both_is_spent_on_both(asked):
    text, metadata, _, _ = asked(unsure, budget_usd=SMALL_USD + LARGE_USD + 1e-6)
    assert (text, metadata["stop"]) == ("large", "last_step")


@pytest.mark.parametrize("stream", [False, True])
def test_where_nobody_above_answers_the_reply_that_was_not_trusted_does(asked, stream):
    def broken(model):
        return refusal(500, "broken") if model == "large" else unsure(model)

    text, metadata, models, _ = asked(broken, stream=stream)
    assert (text, models, metadata["model_used"]) == ("perhaps no", ["small", "large"], "small")
    assert [call["status"] for call in metadata["call_history"]] == ["ok", "failed"]


@pytest.mark.parametrize(("verdict", "stop"), [("correct", "trusted"), ("incorrect", "last_step")])
def test_a_small_model_that_judges_itself_is_asked_for_verdicts_which_are_paid(asked, verdict, stop):
    def says(model):
        return f"Verdict: {verdict}" if model == "verdict" else unsure(model)

    text, metadata, models, line = asked(says, name="judges")
    asked_large = ["large"] if stop == "last_step" else []
    assert models == ["small"] * 5 + asked_large
    assert (text, metadata["stop"]) == ("large" if asked_large else "perhaps no", stop)
    assert metadata["total_cost"] == pytest.approx(5 * SMALL_USD + LARGE_USD * len(asked_large)) == line["cost_usd"]
    assert metadata["call_history"][1]["query"] == "(a verdict on the reply)"


def test_verdicts_that_do_not_fit_the_budget_are_not_asked_for(asked):
    _, metadata, models, _ = asked(unsure, name="judges", budget_usd=4.5 * SMALL_USD)
    assert (models, metadata["stop"]) == (["small"], "over_budget")


def test_the_calibration_of_a_cascade_decides_how_much_doubt_is_worth_a_second_call(asked):
    _, metadata, models, _ = asked(unsure, name="cheap")
    assert models == ["small"] and metadata["cost_weight"] > 0
