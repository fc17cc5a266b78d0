from pathlib import Path

import pytest

from rl_router.errors import PoolError
from rl_router.pool.spec import ModelSpec, anchored, load_specs
from rl_router.types import Usage

RECIPE = Path(__file__).parents[2] / "recipes" / "pool" / "zeroeval.yaml"


def refusal(tmp_path: Path, text: str) -> str:
    path = tmp_path / "pool.yaml"
    path.write_text(text)
    with pytest.raises(PoolError) as error:
        load_specs(path)
    message = str(error.value)
    assert "\n" not in message
    return message


def test_fresh_cached_and_output_tokens_have_their_own_prices():
    spec = ModelSpec(name="m", input_usd_per_mtok=3.0, cached_input_usd_per_mtok=0.3, output_usd_per_mtok=15.0)
    usage = Usage(prompt_tokens=1000, cached_tokens=400, completion_tokens=200, reasoning_tokens=150)
    # 600 × 3 + 400 × 0.3 + 200 × 15 = 1800 + 120 + 3000 per million
    assert spec.price(usage) == pytest.approx(0.00492)


def test_without_a_cached_price_a_cached_token_costs_what_an_input_token_does():
    spec = ModelSpec(name="m", input_usd_per_mtok=2.0, output_usd_per_mtok=0.0)
    assert spec.price(Usage(prompt_tokens=500, cached_tokens=500)) == pytest.approx(0.001)


def test_a_pool_file_becomes_specs(tmp_path):
    path = tmp_path / "pool.yaml"
    path.write_text(
        "models:\n"
        "- {name: mini, input_usd_per_mtok: 1, output_usd_per_mtok: 2.5, tier: small, capabilities: [maths]}\n"
        "- {name: big, input_usd_per_mtok: 0, output_usd_per_mtok: 0, context_tokens: 8192, simulation: {skills: {}}}\n"
    )
    mini, big = load_specs(path)
    assert mini == ModelSpec(
        name="mini", input_usd_per_mtok=1, output_usd_per_mtok=2.5, tier="small", capabilities=("maths",)
    )
    assert (big.context_tokens, big.simulation, big.price(Usage(prompt_tokens=10))) == (8192, {"skills": {}}, 0.0)


PRICES = "input_usd_per_mtok: 1, output_usd_per_mtok: 1"


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("models: [{name: a, input_usd_per_mtok: 1}]", "Model 'a' of the pool file"),
        ("models: [{name: a, input_usd_per_mtok: 1}]", "has no output_usd_per_mtok"),
        ("models: [{name: a, input_usd_per_mtok: , output_usd_per_mtok: 1}]", "has no input_usd_per_mtok"),
        ("models: [{name: a, input_usd_per_mtok: -1, output_usd_per_mtok: 1}]", "it cannot be negative"),
        ("models: [{name: a, input_usd_per_mtok: .nan, output_usd_per_mtok: 1}]", "write a plain number"),
        ("models: [{name: a, input_usd_per_mtok: cheap, output_usd_per_mtok: 1}]", "write a plain number"),
        ("models: [{name: a, input_usd_per_mtok: true, output_usd_per_mtok: 1}]", "write a plain number"),
        ("models: [{name: a, " + PRICES + ", teir: small}]", "unknown key 'teir'; did you mean 'tier'?"),
        ("models: [{name: a, " + PRICES + ", tier: [small]}]", "write a text"),
        ("models: [{name: a, " + PRICES + ", capabilities: maths}]", "write a list of texts"),
        ("models: [{name: a, " + PRICES + ", simulation: 3}]", "write a mapping with 'skills'"),
        ("models: [{name: a, " + PRICES + "}, {name: a, " + PRICES + "}]", "two models named 'a'"),
        ("models: [{" + PRICES + "}]", "Model 1 of the pool file"),
        ("models: [a]", "Model 1 of the pool file"),
        ("models: []", "at least one model"),
        ("- a", "needs a list under the key 'models'"),
        ("models: [{name: a, " + PRICES + "}]\nmodel: b", "unknown key 'model' beside 'models'"),
        ("models: [", "is not valid YAML"),
    ],
)
def test_a_pool_file_that_breaks_a_rule_is_refused_in_one_sentence(tmp_path, text, part):
    assert part in refusal(tmp_path, text)


def test_a_pool_file_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(PoolError, match="cannot be read"):
        load_specs(tmp_path / "none.yaml")


def test_the_recorded_pool_has_ten_priced_models():
    specs = {spec.name: spec for spec in load_specs(RECIPE)}
    assert len(specs) == 10
    assert not any(name.startswith("o1") for name in specs)  # their recorded cost misses hidden reasoning tokens
    assert specs["gpt-4o-2024-08-06"].price(Usage(prompt_tokens=1000, completion_tokens=100)) == pytest.approx(0.0035)


def test_the_path_of_a_pool_is_made_absolute_and_its_name_stays(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.yaml").write_text("models: []")
    assert anchored("mine.yaml") == str(tmp_path / "mine.yaml")
    assert anchored("zeroeval") == "zeroeval"
