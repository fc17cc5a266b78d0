from pathlib import Path

import pytest

from rl_router.errors import PoolError
from rl_router.paths import pools_dir
from rl_router.pool.prices import refreshed
from rl_router.pool.spec import load_specs

TEXT = """# Two models, and why.
models:
  - name: a # the first
    litellm_model: x/a
    input_usd_per_mtok: 1.00
    output_usd_per_mtok: 2.00 # agreed in writing
    price_date: 2025-01-01
    price_source: somewhere
  - name: b
    input_usd_per_mtok: 3.00
    output_usd_per_mtok: 4.00
"""
TABLE = {"x/a": {"input_cost_per_token": 1.5e-6, "output_cost_per_token": 9e-6, "cache_read_input_token_cost": 1e-7}}


def written(folder: Path, text: str = TEXT) -> Path:
    path = folder / "pool.yaml"
    path.write_text(text)
    return path


def test_only_prices_change_comments_stay_and_an_explained_price_is_left(tmp_path):
    path = written(tmp_path)
    result = refreshed(path, TABLE, date="2026-11-24", source="litellm 9")
    assert path.read_text() == TEXT
    result.write()
    assert path.read_text() == TEXT.replace("input_usd_per_mtok: 1.00", "input_usd_per_mtok: 1.50").replace(
        "2025-01-01", "2026-11-24"
    ).replace("somewhere", "litellm 9")
    assert load_specs(path)[0].input_usd_per_mtok == 1.5
    assert result.unknown == ("b",)
    assert "-    input_usd_per_mtok: 1.00\n+    input_usd_per_mtok: 1.50\n" in result.diff


def test_a_file_that_is_up_to_date_has_no_diff(tmp_path):
    path = written(tmp_path, TEXT.replace("1.00", "1.5"))
    assert refreshed(path, TABLE, date="2026-11-24", source="litellm 9").diff == ""


def test_a_file_in_another_layout_is_refused_and_stays(tmp_path):
    path = written(tmp_path, "models: [{name: a, input_usd_per_mtok: 1, output_usd_per_mtok: 2}]")
    with pytest.raises(PoolError, match="one key a line"):
        refreshed(path, TABLE, date="2026-11-24", source="litellm 9")


def test_every_price_of_the_pools_of_real_models_has_a_date_and_a_source():
    for name, count in (("xrouter", 21), ("router_r1", 8)):
        specs = load_specs(pools_dir() / f"{name}.yaml")
        assert len(specs) == count
        assert all(spec.price_date and spec.price_source and spec.context_tokens and spec.tier for spec in specs)
