"""Our tools under verl's own ToolAgentLoop: it samples and parses, they ask, answer and select."""

import asyncio
import json

import pytest
import yaml

from rl_router.pipeline.tool_configs import tool_config, write_tool_config
from rl_router.policy.config import UntrainedPolicy
from rl_router.policy.untrained import build_untrained

pytest.importorskip("verl")
hydra = pytest.importorskip("hydra")
from loopback import LoopbackServer  # noqa: E402
from verl.experimental.agent_loop.agent_loop import DictConfigWrap, ToolListWrap  # noqa: E402
from verl.experimental.agent_loop.tool_agent_loop import ToolAgentLoop  # noqa: E402
from verl.tools.tool_registry import load_all_tools  # noqa: E402
from verl.utils.dataset.rl_dataset import RLHFDataset  # noqa: E402
from verl.workers.rollout.replica import TokenOutput  # noqa: E402

END = "<|im_end|>"


class Script:
    """verl's server with written turns."""

    def __init__(self, tokenizer, turns):
        self.tokenizer, self.turns, self.prompts = tokenizer, iter(turns), []

    async def generate(self, request_id, *, prompt_ids, sampling_params, **_):
        self.prompts.append(self.tokenizer.decode(prompt_ids))
        ids = self.tokenizer.encode(next(self.turns), add_special_tokens=False)
        return TokenOutput(token_ids=ids, log_probs=[-0.5] * len(ids), stop_reason="completed", extra_fields={})


@pytest.fixture(scope="module")
def tokenizer():
    return build_untrained(UntrainedPolicy(), ["who is asked what by whom"], seed=0)[1]


def call(name, **arguments):
    return f"<tool_call>\n{json.dumps({'name': name, 'arguments': arguments})}\n</tool_call>"


def run(tmp_path, tokenizer, server, turns):
    pool = [
        {"name": name, "endpoint": server.url, "input_usd_per_mtok": 1.0, "output_usd_per_mtok": 2.0}
        for name in ("nano", "titan")
    ]
    (tmp_path / "pool.yaml").write_text(yaml.safe_dump({"models": pool}))
    write_tool_config(tmp_path / "tools.yaml", tool_config(str(tmp_path / "pool.yaml")), "made by a test")
    with hydra.initialize_config_module("verl.trainer.config", version_base=None):
        rollout = "actor_rollout_ref.rollout"
        config = hydra.compose(
            "ppo_trainer",
            overrides=[
                f"{rollout}.name=vllm", f"{rollout}.prompt_length=3000", f"{rollout}.response_length=3000",
                f"{rollout}.multi_turn.max_parallel_calls=4", f"{rollout}.multi_turn.max_tool_response_length=2000",
                "actor_rollout_ref.actor.strategy=fsdp2",
            ],
        )  # fmt: skip

    async def episode():
        script = Script(tokenizer, turns)
        loop = ToolAgentLoop(
            trainer_config=DictConfigWrap(config),
            server_manager=script,
            tokenizer=tokenizer,
            processor=None,
            dataset_cls=RLHFDataset,
            data_config=DictConfigWrap(config.data),
            hf_model_type="qwen2",
            tools=ToolListWrap(load_all_tools(str(tmp_path / "tools.yaml"), None)),
        )
        output = await loop.run({}, raw_prompt=[{"role": "user", "content": "USER QUERY: \nwho?"}])
        return output, script

    return asyncio.run(episode())


def test_calls_and_a_selection_run_in_verls_own_loop(tmp_path, tokenizer):
    with LoopbackServer(answer=lambda model, prompt: f"{model} knows {prompt}") as server:
        asked = call("call_nano", optimized_system_prompt="Be brief.", temperature=0.3) + call(
            "call_titan", optimized_system_prompt="Think.", temperature=1.0
        )
        select = call("select_response", model_call_name="call_titan")
        output, script = run(tmp_path, tokenizer, server, [asked + END, select + END, "done" + END])
    assert len(output.response_ids) == len(output.response_mask) == len(output.response_logprobs)
    assert {body["model"] for body in server.bodies} == {"nano", "titan"}
    first = next(body for body in server.bodies if body["model"] == "nano")
    assert first["messages"] == [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "who?"}]
    assert first["temperature"] == 0.3
    assert "(nano): nano knows who?" in script.prompts[1] and "(titan): titan knows who?" in script.prompts[1]
    assert output.extra_fields["selected_response"] == "titan knows who?"
    billed = server.cost_usd({"nano": (1.0, 1.0, 2.0), "titan": (1.0, 1.0, 2.0)})
    assert output.extra_fields["cost_usd"] == pytest.approx(billed)
    assert [made["status"] for made in output.extra_fields["route_calls"]] == ["ok", "ok"]


def test_wrong_calls_are_answered_and_the_episode_goes_on(tmp_path, tokenizer):
    turns = [
        call("call_nano", temperature=0.3) + END,
        call("call_nano", optimized_system_prompt="x", temperature=99) + END,
        "<tool_call>\n{\"name\": \"call_nano\", \"arguments\": [1]}\n</tool_call>" + END,
        call("select_response", model_call_name="call_7") + END,
        call("select_response") + END,
        "done" + END,
    ]  # fmt: skip
    with LoopbackServer() as server:
        output, script = run(tmp_path, tokenizer, server, turns)
    assert server.requests == 0 and "selected_response" not in output.extra_fields
    read = script.prompts[-1]
    assert "call_nano needs optimized_system_prompt, a text" in read
    assert "call_nano needs temperature, a number from 0 to 2" in read
    assert "call_nano needs its arguments as an object" in read
    assert "there is no reply named 'call_7' to select" in read
