"""Multi-round routers as entrants of a suite."""

import json

import pytest

from rl_router.errors import RecipeError
from rl_router.evaluation.suite.evaluate import evaluate_suite
from rl_router.evaluation.suite.multi_round import multi_round_of
from rl_router.recipe_suite import load_suite


def suite(*changes):
    return load_suite("quick", list(changes))


def test_multi_round_routers_are_judged_with_every_call_that_they_pay_for(tmp_path):
    routers = "[{router: knn_multiround, decomposer: nano}, {router: llm_multiround, decomposer: nano}]"
    found = suite(
        f"run_dir={tmp_path / 'run'}",
        f"routers={routers}",
        "cost_weights=[0.5]",
        "tasks=[fact, two_hop]",
        "queries=60",
    )
    evaluate_suite(found)
    lines = [json.loads(line) for line in (tmp_path / "run" / "lines.jsonl").read_text().splitlines()]
    by_router = {}
    for line in lines:
        by_router.setdefault(line["router"], []).append(line)
    assert {"oracle", "strongest", "knn"} <= set(by_router)
    for name in ("knn_multiround", "llm_multiround"):
        hops = [line for line in by_router[name] if line["task"] == "two_hop"]
        assert sum(line["quality"][0] for line in hops) > 0.6 * len(hops) > 0
        assert all(line["block"] == "orchestrate" and len(line["models"][0]) >= 2 for line in hops)
        assert all(0 < line["router_usd"][0] < line["cost_usd"][0] for line in hops)
    mean_usd = sum(line["cost_usd"][0] for line in by_router["llm_multiround"]) / len(by_router["llm_multiround"])
    assert mean_usd < by_router["strongest"][0]["cost_reference_usd"]


@pytest.mark.parametrize(
    ("entry", "changes", "said"),
    [
        ({"router": "llm_multiround"}, (), "needs the decomposer to be a model of the pool, one of nano"),
        ({"router": "llm_multiround", "decomposer": "gpt"}, (), "one of nano"),
        ({"router": "llm_multiround", "decomposer": "nano", "base": {}}, (), "has no 'base'"),
        ({"router": "knn_multiround", "decomposer": "nano"}, ("benchmarks=[gsm8k]",), "no table records"),
    ],
)
def test_what_cannot_be_played_is_refused_before_anything_is(entry, changes, said):
    with pytest.raises(RecipeError, match=said):
        multi_round_of(entry, suite(*changes))
