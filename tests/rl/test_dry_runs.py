"""Every RL recipe for a cluster, for one step on a CPU: its own task, dialect, reward, limits' shape and algorithm.

The policy is a small one of the same architecture and chat format, warm-started to speak the dialect, and its models
answer over HTTP on the loopback. A step is whole when its episodes, its update and its checkpoint are.
"""

import copy

import pytest
import torch
from live_world import LIMITS, answer, live_world, short_dialect, small_policy
from loopback import LoopbackServer

from rl_router.observe.run_folder import RunFolder
from rl_router.policy.folder import load_policy
from rl_router.rl.launch import train

pytest.importorskip("verl")

GROUPS = {"groups/no_spread", "actor/pg_clipfrac"}
RECIPES = {  # family, rules, cost weights of the prompts, what its algorithm and reward log
    "router_r1_ppo": ("qwen", "tags", (0.0,), {"critic/vf_loss", "critic/grad_norm", "actor/reward_kl_penalty"}),
    "router_r1_grpo": ("llama", "llama", (0.0,), {"actor/kl_loss", *GROUPS}),
    "xrouter_dapo": ("qwen", "tools", (1.0,), {"reward/overlong", *GROUPS}),
    "dial_dapo": ("qwen", "tags", (0.0, 1.0), {"actor/kl_loss", "cost_usd/at_0", "cost_usd/at_1", *GROUPS}),
}


CHANGES = {"router_r1_grpo": ("policy.lora={rank: 4, alpha: 8}",)}


@pytest.fixture(scope="module")
def policies(tmp_path_factory):
    """Checkpoints by family and dialect, each made when it is first asked for."""
    folder, made = tmp_path_factory.mktemp("policies"), {}

    def policy(family, kind):
        if (family, kind) not in made:
            dialect = short_dialect(kind, folder / "rules")
            made[family, kind] = small_policy(folder / f"{family}_{kind}", family, dialect), dialect
        return made[family, kind]

    return policy


def moved_by_rounding(checkpoint, texts):
    """The most that rounding every weight to bfloat16 moves the probability of a token of `texts`."""
    exact = load_policy(checkpoint)
    rounded = copy.deepcopy(exact.model)
    for weight in rounded.parameters():
        weight.data = weight.data.bfloat16().float()
    moved = 0.0
    for text in texts:
        ids = torch.tensor([exact.tokenizer.encode(text, add_special_tokens=False)])
        with torch.no_grad():
            a, b = (model(ids).logits[0, :-1].softmax(-1) for model in (exact.model, rounded))  # [t - 1, v]
        moved = max(moved, float((a - b).gather(-1, ids[0, 1:, None]).abs().max()))
    assert moved < 0.1, "a bound that anything passes"
    return moved


def rules_of(dialect):
    return f"dialect.prompt={dialect.prompt}" if dialect.kind == "tags" else f"dialect.rules={dialect.rules}"


@pytest.mark.timeout(600)
@pytest.mark.parametrize("recipe", RECIPES)
def test_a_recipe_takes_one_whole_step(recipe, policies, tmp_path):
    family, kind, cost_weights, expected = RECIPES[recipe]
    checkpoint, dialect = policies(family, kind)
    with LoopbackServer(answer=answer) as server:
        job = live_world(tmp_path, server, cost_weights).job(
            recipe, checkpoint, "run", rules_of(dialect), *CHANGES.get(recipe, ())
        )
        folder = train(job)
    [row] = folder.read_metrics()
    assert row["step"] == 1 and row["episodes"] >= 4 * job.algorithm.group_size  # DAPO samples groups again
    # What was sampled is what is trained on, token for token; but verl sends weights that LoRA was merged into rounded.
    transcripts = [episode["transcript"] for episode in folder.read_episodes()]
    # Three times: what is kept to read is a part of what was sampled, and its largest gap may lie in the rest.
    allowed = 1e-3 if job.policy_lora is None else 3 * moved_by_rounding(checkpoint, transcripts)
    assert row["training/rollout_probs_diff_max"] < allowed
    assert expected <= set(row), sorted(expected - set(row))
    assert (folder.policy / "model.safetensors").is_file()
    for episode in folder.read_episodes():
        assert sum(span["characters"] for span in episode["spans"]) == len(episode["transcript"])
        assert len(episode["calls"]) <= LIMITS.max_turns * LIMITS.max_calls_per_turn
    assert RunFolder(folder.path).policy.is_dir()
