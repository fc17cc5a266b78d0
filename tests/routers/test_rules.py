"""Every rule on candidates whose right choice was worked out by hand."""

from dataclasses import replace

import numpy as np
import pytest

from rl_router.errors import DataError, RecipeError
from rl_router.routers.best_per_task import BestPerTask
from rl_router.routers.calibration import as_calibrated, calibrate, parse_router_name, use_threshold
from rl_router.routers.exploring import EpsilonGreedy, Thompson
from rl_router.routers.fixed import Smallest
from rl_router.routers.knn import Knn
from rl_router.routers.learners import Bandit, Preference
from rl_router.routers.observations import Observations
from rl_router.routers.pair import PairThreshold
from rl_router.routers.rule import Candidates
from rl_router.routers.rules import Argmax, Cascade, TopK
from rl_router.types import Query

QUERIES = [Query(query_id=str(i), text=f"query {i}", answers=(), task="") for i in range(400)]


def candidates(scores, costs, cost_weight=0.0, n=1):
    return Candidates(
        queries=QUERIES[:n],
        models=("a", "b", "c"),
        scores=np.tile(np.array(scores, float), (n, 1)),
        costs_usd=np.tile(np.array(costs, float), (n, 1)),
        cost_reference_usd=4.0,
        cost_weight=cost_weight,
    )


def test_utility_is_quality_less_the_weighted_relative_cost():
    found = candidates([0.5, 0.7, 0.9], [1, 2, 4], cost_weight=0.5)
    np.testing.assert_allclose(found.utility, [[0.5 - 0.125, 0.7 - 0.25, 0.9 - 0.5]])
    assert Argmax().decide(found)[0].model == "b"


def test_of_equal_utilities_the_cheaper_wins_and_of_equal_prices_the_first_by_name():
    assert Argmax().decide(candidates([0.7, 0.7, 0.7], [2, 1, 1]))[0].model == "b"


def test_top_k_names_the_next_ones_in_the_order_of_their_utility():
    decision = TopK(k=2).decide(candidates([0.5, 0.7, 0.9], [1, 2, 4]))[0]
    assert (decision.model, decision.fallbacks) == ("c", ("b",))


def test_the_win_rate_counts_a_tie_as_half_a_win():
    rule = PairThreshold(threshold=0.6)
    rule.strong_, rule.weak_ = "c", "a"
    assert rule.win_rates(candidates([0.5, 0.7, 0.9], [1, 2, 4]))[0] == pytest.approx(0.7)  # (1 + 0.9 - 0.5) / 2
    assert rule.decide(candidates([0.5, 0.7, 0.9], [1, 2, 4]))[0].model == "c"
    assert rule.decide(candidates([0.5, 0.7, 0.9], [1, 2, 4], cost_weight=1.0))[0].model == "a"  # 0.7 - 0.75 / 2


def test_epsilon_greedy_explores_as_often_as_it_says_and_says_how_likely_it_was():
    decisions = EpsilonGreedy(epsilon=0.3).decide(candidates([0.5, 0.7, 0.9], [1, 2, 4], n=400))
    for decision in decisions:
        assert decision.propensity == pytest.approx(0.8 if decision.model == "c" else 0.1)
    assert 0.14 < np.mean([d.model != "c" for d in decisions]) < 0.26  # 0.2 ± three standard errors


def test_thompson_draws_the_better_model_more_often_and_its_propensities_tell_how_often():
    decisions = Thompson(evidence=10, draws=400).decide(candidates([0.2, 0.6, 0.8], [1, 1, 1], n=400))
    share = np.mean([d.model == "c" for d in decisions])
    said = np.mean([d.propensity for d in decisions if d.model == "c"])
    assert 0.6 < share < 0.95
    assert share == pytest.approx(said, abs=0.08)


def test_a_cascade_climbs_from_the_cheapest_and_a_cost_weight_takes_steps_away():
    free = Cascade(length=3).decide(candidates([0.5, 0.7, 0.9], [1, 2, 4]))[0]
    assert (free.model, free.fallbacks) == ("a", ("b", "c"))
    dear = Cascade(length=3).decide(candidates([0.5, 0.7, 0.9], [1, 2, 4], cost_weight=0.5))[0]
    assert (dear.model, dear.fallbacks) == ("a", ("b",))  # utilities 0.375, 0.45, 0.4


def test_a_cascade_asks_the_next_model_when_the_recorded_reply_is_not_trusted(train):
    """Replies say yes when right, so the verifier can tell; the first model is wrong on most code."""
    router = Knn(k=8).fit(train, rule=Cascade(length=2, accept=0.5))
    queries = [query for query in train.queries() if query.task == "code"]
    chains = router.chain(queries, train)
    for query, chain in zip(queries, chains, strict=True):
        said_no = train.cell(query.query_id, chain[0]).response.startswith("no")
        assert (len(chain) > 1) == said_no
    assert {len(chain) for chain in chains} == {1, 2}


def test_a_cascade_without_recorded_replies_is_refused(train):
    silent = train.frame.with_columns(response=None)
    with pytest.raises(DataError, match="learns from recorded replies"):
        Knn().fit(type(train)(silent), rule=Cascade())


def test_bandit_shows_one_answer_of_each_query(train):
    shown = Bandit(seed=1).shown(train)
    assert shown.frame.height == len(shown.query_ids)
    assert set(shown.models) == set(train.models)
    kept = {(row["query_id"], row["model"]): row["score"] for row in train.frame.iter_rows(named=True)}
    assert all(kept[row["query_id"], row["model"]] == row["score"] for row in shown.frame.iter_rows(named=True))


def test_half_of_the_calls_go_to_the_strong_model_when_half_is_asked_for(train):
    router = Knn(k=8).fit(train)
    observed = Observations.of(train)
    before = router.route(observed.queries)
    found = calibrate(router, "strong_pct", 0.5, observed.queries, observed)
    assert router.route(observed.queries) == before  # what was found is not yet how the router decides
    router.calibration_ = found
    calibrated, weight = as_calibrated(router)
    chosen = [decision.model for decision in calibrated.route(observed.queries, cost_weight=weight)]
    assert chosen.count("strong") / len(chosen) == pytest.approx(found.strong_share)
    assert set(chosen) == {"strong", "cheap"}
    assert abs(found.strong_share - 0.5) < 0.1


def test_a_budget_is_kept_and_a_better_quality_costs_more(train):
    router, observed = Knn(k=8).fit(train), Observations.of(train)
    tight = calibrate(router, "budget_usd_per_1k", 0.3, observed.queries, observed)
    loose = calibrate(router, "budget_usd_per_1k", 1.0, observed.queries, observed)
    assert tight.cost_usd_per_1k <= 0.3 and loose.cost_usd_per_1k <= 1.0
    assert loose.cost_weight < tight.cost_weight
    with pytest.raises(RecipeError, match="no cost weight keeps to"):
        calibrate(router, "budget_usd_per_1k", 0.001, observed.queries, observed)
    with pytest.raises(RecipeError, match="no cost weight reaches a quality of 1.5"):
        calibrate(router, "quality_target", 1.5, observed.queries, observed)


def test_a_threshold_is_between_the_best_model_and_the_cheapest_other_one(train):
    """By means over the fitted table, so that it is the same pair whatever is asked."""
    router = Knn(k=8).fit(train)
    rule = use_threshold(router, 0.3)
    assert (rule.strong_, rule.weak_, rule.threshold) == ("strong", "cheap", 0.3)
    assert isinstance(router.rule_, Argmax)
    with pytest.raises(RecipeError, match="between 0 and 1, got 2"):
        use_threshold(router, 2.0)
    with pytest.raises(RecipeError, match="a cascade asks its models in turn"):
        use_threshold(Knn(k=8).fit(train, rule=Cascade()), 0.3)


def test_what_a_rule_chooses_is_what_its_decisions_name():
    rng = np.random.default_rng(0)
    found = replace(
        candidates([0, 0, 0], [1, 2, 4], cost_weight=0.4, n=200),
        scores=rng.choice([0.2, 0.5, 0.8], (200, 3)),
    )
    pair = PairThreshold(threshold=0.55)
    pair.strong_, pair.weak_ = "c", "a"
    for rule in (Argmax(), TopK(), pair, EpsilonGreedy(epsilon=0.5), Thompson(), Cascade()):
        assert [found.models[j] for j in rule.choose(found)] == [d.model for d in rule.decide(found)]


def test_a_cascade_is_calibrated_by_what_its_routes_cost_and_answer(train):
    """Its first call alone would keep to any budget: at $0.03 per 1,000 the cheapest is all that can be asked."""
    router, observed = Knn(k=8).fit(train, rule=Cascade(length=2, accept=0.5)), Observations.of(train)
    found = calibrate(router, "budget_usd_per_1k", 0.8, observed.queries, observed)
    chains = router.chain(observed.queries, train, found.cost_weight)
    column = {model: j for j, model in enumerate(observed.models)}
    paid = [observed.costs_usd[i, [column[m] for m in chain]].sum() for i, chain in enumerate(chains)]
    assert 1000 * np.mean(paid) == pytest.approx(found.cost_usd_per_1k) and found.cost_usd_per_1k <= 0.8
    assert max(map(len, chains)) == 2
    with pytest.raises(RecipeError, match="traffic alone has none"):
        calibrate(router, "budget_usd_per_1k", 0.8, observed.queries)


def test_queries_of_equal_win_rate_go_one_way_so_the_nearest_share_counts(train):
    """Three tasks of 27, 27 and 26 queries have three win rates, and a third is nearer to 0.4 than two thirds."""
    router, observed = BestPerTask().fit(train), Observations.of(train)
    found = calibrate(router, "strong_pct", 0.4, observed.queries, observed)
    assert found.strong_share == pytest.approx(1 / 3, abs=0.02)


def test_a_router_without_a_dial_has_nothing_to_calibrate(train):
    observed = Observations.of(train)
    for goal in ("strong_pct", "budget_usd_per_1k"):
        with pytest.raises(RecipeError, match="of kind smallest has no dial to set"):
            calibrate(Smallest().fit(train), goal, 0.5, observed.queries, observed)


def test_routellms_names_are_understood():
    assert parse_router_name("router-mf-0.11593") == ("mf", 0.11593)
    assert parse_router_name("router-my-own-.5") == ("my-own", 0.5)
    assert parse_router_name("runs/knn") is None
    with pytest.raises(RecipeError, match="between 0 and 1"):
        parse_router_name("router-mf-7")


def test_preference_counts_the_models_that_are_beaten(train):
    table = train.select(models=["cheap", "coder", "strong"])
    scores, counts = table.matrix("score"), Preference().shown(table).matrix("score")
    whole = ~np.isnan(scores).any(axis=1)
    for row, shares in zip(scores[whole], counts[whole], strict=True):
        by_hand = [np.mean([(mine > o) + 0.5 * (mine == o) for o in np.delete(row, j)]) for j, mine in enumerate(row)]
        np.testing.assert_allclose(shares, by_hand)


def test_a_cost_weight_means_the_same_to_a_router_that_learned_from_preferences(planted):
    """Means of right and wrong answers: shares lie closer together by 3/4 for three models, and so do costs weigh."""

    def score(colour, shape):
        return {"cheap": colour == "red", "mid": shape == "round", "dear": True}

    table = planted(score, n=90)
    learner = Preference()
    exact = BestPerTask(prior=0.0).fit(table)
    ranked = BestPerTask(prior=0.0).fit(learner.shown(table), quality_per_score=learner.quality_per_score(table))
    assert ranked.quality_per_score_ == pytest.approx(4 / 3)
    assert ranked.cost_reference_usd_ == exact.cost_reference_usd_
    queries, weights = table.queries(), np.linspace(0.0, 3.0, 31)
    chosen = [[[d.model for d in router.route(queries, cost_weight=w)] for w in weights] for router in (exact, ranked)]
    assert chosen[0] == chosen[1]
    assert {model for at in chosen[0] for model in at} == {"cheap", "mid", "dear"}
    with pytest.raises(RecipeError, match="predicts which model is better and not how good it is"):
        calibrate(ranked, "quality_target", 0.5, queries)


def test_the_dial_turns_without_scoring_again():
    found = candidates([0.5, 0.7, 0.9], [1, 2, 4])
    assert Argmax().decide(replace(found, cost_weight=10.0))[0].model == "a"
