"""`calibrate` keeps a setting beside the router, `route` goes by it, and it can be taken back."""

import json

import pytest

POEM, PROOF = "poem number99", "proof number99"
NUMBERS = {"7": 7.0, "-1": -1.0, "": None}


def model(ask, run, query, *more):
    return json.loads(ask("route", run, query, "--json", *more))["model"]


def files(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_a_setting_lies_beside_the_router_and_the_router_stays_as_it_was(here, ask):
    before = files(here / "runs/knn/router")
    found = json.loads(ask("calibrate", "runs/knn", "--strong-pct", "1", "--json"))
    after = files(here / "runs/knn/router")
    assert json.loads(after.pop("calibration.json")) == found
    assert after == before
    assert (found["strong"], found["weak"], found["strong_share"]) == ("large", "small", 1.0)


def test_routing_goes_by_the_setting_until_a_cost_weight_is_given_or_it_is_cleared(here, ask):
    assert (model(ask, "runs/knn", POEM), model(ask, "runs/knn", PROOF)) == ("small", "large")
    assert "threshold" in ask("calibrate", "runs/knn", "--strong-pct", "1")
    record = json.loads(ask("route", "runs/knn", POEM, "--json"))
    assert (record["model"], record["dial"]) == ("large", "calibrated: strong pct 1")
    assert model(ask, "runs/knn", POEM, "--cost-weight", "0") == "small"
    assert "no longer calibrated" in ask("calibrate", "runs/knn", "--clear")
    assert model(ask, "runs/knn", POEM) == "small"
    assert "not calibrated" in ask("calibrate", "runs/knn", "--clear")


def test_a_third_of_the_calls_goes_to_the_strong_model_when_that_is_asked_for(here, ask):
    """One of three queries is a proof, which only large can answer: those are the third."""
    found = json.loads(ask("calibrate", "runs/knn", "--strong-pct", "0.333", "--json"))
    assert found["strong_share"] == pytest.approx(1 / 3, abs=0.02)
    assert found["quality"] == 1.0
    assert found["cost_usd_per_1k"] == pytest.approx(1000 * (0.001 * 2 + 0.01) / 3, rel=0.05)
    assert (model(ask, "runs/knn", POEM), model(ask, "runs/knn", PROOF)) == ("small", "large")


def test_a_budget_and_a_quality_set_a_cost_weight(here, ask, refused):
    tight = json.loads(ask("calibrate", "runs/knn", "--budget-usd-per-1k", "1.5", "--json"))
    assert (tight["cost_usd_per_1k"], tight["quality"]) == (pytest.approx(1.0), pytest.approx(2 / 3, abs=0.05))
    assert model(ask, "runs/knn", PROOF) == "small"
    good = json.loads(ask("calibrate", "runs/knn", "--quality-target", "0.99", "--json"))
    assert good["quality"] == 1.0 and good["cost_weight"] < tight["cost_weight"]
    assert model(ask, "runs/knn", PROOF) == "large"
    assert "no cost weight keeps to $0.1" in refused("calibrate", "runs/knn", "--budget-usd-per-1k", "0.1")


def test_ones_own_traffic_is_enough_and_is_called_predicted(here, ask, refused):
    """Three proofs and one poem: half of the calls are two."""
    texts = [PROOF, "proof number7", "proof number8", POEM]
    (here / "traffic.jsonl").write_text("\n".join(json.dumps({"prompt": text}) for text in texts))
    found = json.loads(ask("calibrate", "runs/knn", "--strong-pct", "0.75", "--data", "traffic.jsonl", "--json"))
    assert (found["measured"], found["queries"], found["strong_share"]) == ("predicted", 4, 0.75)
    assert found["cost_usd_per_1k"] == pytest.approx(1000 * (3 * 0.01 + 0.001) / 4, rel=1e-3)
    assert "(predicted)" in ask("calibrate", "runs/knn", "--budget-usd-per-1k", "9", "--data", "traffic.jsonl")
    said = refused("calibrate", "runs/knn", "--strong-pct", "0.5", "--data", "traffic.jsonl", "--split", "test")
    assert "is traffic: leave it out" in said
    assert "traffic alone has none" in refused(
        "calibrate", "runs/cascade", "--budget-usd-per-1k", "9", "--data", "traffic.jsonl"
    )


def test_another_table_or_split_is_measured_as_recorded(here, ask):
    arguments = ("calibrate", "runs/knn", "--strong-pct", "0.5", "--json")
    other = json.loads(ask(*arguments, "--data", "table.parquet", "--split", "test"))
    assert (other["queries"], other["measured"]) == (12, "recorded")
    assert json.loads(ask(*arguments, "--split", "train"))["queries"] == 48


def test_a_cascade_is_calibrated_by_all_of_its_calls(here, ask):
    """Asking small about everything, and large too where that says no, costs 1/1000 + a third of 10/1000."""
    found = json.loads(ask("calibrate", "runs/cascade", "--quality-target", "0.99", "--json"))
    assert found["quality"] == 1.0
    assert found["cost_usd_per_1k"] == pytest.approx(1000 * (0.001 + 0.01 / 3), rel=0.05)


def test_routellms_name_of_a_router_is_understood_by_every_command(here, ask, refused):
    """At a win rate of 0 the strong model always wins; at 1 never, because small is never sure to lose."""
    (here / "one.txt").write_text(POEM)
    assert model(ask, "router-knn-0.0", POEM) == "large"
    assert model(ask, "router-knn-1", PROOF) == model(ask, "runs/knn", PROOF)
    assert json.loads(ask("infer", "router-knn-0", "--input", "one.txt", "--route-only", "--json"))["model"] == "large"
    ask("evaluate", "router-knn-0")
    results = json.loads((here / "runs/router-knn-0/results.json").read_text())["rows"]
    mine = [row for row in results if row["router"] == "knn+threshold" and row["cost_weight"] == 0]
    assert mine[0]["cost_usd"] == pytest.approx(0.01)
    assert model(ask, "runs/router-knn-0", POEM) == "large"  # a run of its own
    found = json.loads(ask("calibrate", "router-knn-0.7", "--budget-usd-per-1k", "9", "--json"))
    assert (found["threshold"], found["cost_weight"]) == (0.7, 0.0)
    assert "there is none there" in refused("route", "router-nobody-0.3", POEM)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("{", "no whole JSON"),
        ('{"goal": "strong_pct"}', "is refused"),
        ("strong=nobody", "'nobody' is no model of the router"),
        ("threshold=7", "less than or equal to 1"),
        ("cost_weight=-1", "greater than or equal to 0"),
        ("weak=", "a threshold needs a strong and a weak model"),
        ("code=os.system", "is refused"),
    ],
)
def test_a_calibration_that_was_tampered_with_is_refused_and_can_be_cleared(here, ask, refused, content, said):
    ask("calibrate", "runs/knn", "--strong-pct", "0.5")
    path = here / "runs/knn/router/calibration.json"
    if "=" in content:
        key, value = content.split("=")
        values = json.loads(path.read_text())
        content = json.dumps(
            {**values, key: json.loads(value or "null") if value[-1:].isdigit() or not value else value}
        )
    path.write_text(content)
    error = refused("route", "runs/knn", POEM)
    assert "the calibration of the router" in error and said in error
    ask("calibrate", "runs/knn", "--clear")
    assert model(ask, "runs/knn", POEM) == "small"


def test_a_calibration_that_leads_outside_its_folder_is_refused(here, ask, refused):
    ask("calibrate", "runs/knn", "--strong-pct", "0.5")
    path = here / "runs/knn/router/calibration.json"
    path.rename(here / "elsewhere.json")
    path.symlink_to(here / "elsewhere.json")
    assert "leads outside the folder" in refused("route", "runs/knn", POEM)


def test_training_anew_forgets_the_setting(here, ask):
    ask("calibrate", "runs/knn", "--strong-pct", "1")
    ask("train", "knn", "data=table.parquet", "router.k=8", "router.prior=0")
    assert model(ask, "runs/knn", POEM) == "small"
