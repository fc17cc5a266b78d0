"""A policy on a live task without any training: evaluated at real endpoints, and every call is in its table."""

import pytest
from live_world import MODELS, answer, live_world, short_dialect, small_policy
from loopback import LoopbackServer

from rl_router.cli import main
from rl_router.observe.run_folder import RunFolder
from rl_router.pool.spec import load_specs, pool_path

PRICES = {  # of input, of cached input, which the pool file prices no lower, and of output
    spec.name: (spec.input_usd_per_mtok, spec.input_usd_per_mtok, spec.output_usd_per_mtok)
    for spec in load_specs(pool_path("world"))
    if spec.name in MODELS
}


@pytest.mark.timeout(300)
def test_a_policy_that_asks_live_models_is_evaluated_by_command(tmp_path, capsys):
    dialect = short_dialect("tags", tmp_path / "rules")
    checkpoint = small_policy(tmp_path / "policy", "qwen", dialect)
    with LoopbackServer(answer=answer) as server:
        changes = live_world(tmp_path, server).overrides(checkpoint, "run")
        changes += [f"dialect.prompt={dialect.prompt}", "algorithm.steps=0", "task.prompts=null"]
        assert main(["train", "router_r1_grpo", *changes]) == 0
        server.billed.clear()
        before = server.requests
        capsys.readouterr()
        assert main(["evaluate", str(tmp_path / "run"), "evaluation.queries=4"]) == 0
        asked, billed_usd = server.requests - before, server.cost_usd(PRICES)
    folder = RunFolder(tmp_path / "run")
    rows = {row["router"]: row for row in folder.read_rows(folder.results)}
    assert set(rows) == {"policy", "warm_start"}  # baselines would have to be paid for
    assert all(row["n"] == 4 for row in rows.values())
    assert asked == sum(4 * row["calls"] for row in rows.values()) > 0
    assert billed_usd == pytest.approx(sum(4 * row["cost_usd"] for row in rows.values()))
    said = capsys.readouterr()
    assert "baselines ask every model every question" in said.out + said.err
