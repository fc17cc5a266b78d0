"""verl's agent loop over the environment: what the data set's columns say, and what goes back to the trainer."""

import asyncio
from types import SimpleNamespace

import numpy as np
import pytest

from rl_router.episode import tags
from rl_router.policy.tokenizer import train_tokenizer
from rl_router.rl.setting import Setting

pytest.importorskip("verl")
from rl_router.rl.agent_loop import EpisodeAgentLoop  # noqa: E402


class ScriptedServer:
    """Samples the turns of a script, whoever asks."""

    def __init__(self, codec, turns):
        self.codec, self.turns = codec, list(turns)

    async def generate(self, request_id, prompt_ids, sampling_params):
        ids = self.codec.encode(self.turns.pop(0))
        steps = {"global_steps": 4, "min_global_steps": 4, "max_global_steps": 4}
        return SimpleNamespace(token_ids=ids, log_probs=[-0.5] * len(ids), extra_fields=steps)


@pytest.fixture
def loop(tmp_path, small_job):
    """A loop of a small job, without verl's machinery around it; call it with the turns to sample."""
    setting = Setting.of(small_job(tmp_path / "run"))
    texts = [query.text for query in setting.task.train] + [" nano", " wiki", " titan", " same", " it"]
    words = (*tags.TAGS, tags.cost_weight_tag(0.5))
    tokenizer = train_tokenizer(texts, tags=words, vocab_size=600, names=setting.task.pool.names)

    def make(*turns):
        made = EpisodeAgentLoop.__new__(EpisodeAgentLoop)
        made.setting, made.codec = setting, setting.job.dialect.over(tokenizer)
        made.rollouts_dir = tmp_path
        made.rollout_config = SimpleNamespace(name="transformers")
        made.server_manager = ScriptedServer(made.codec, turns)
        return made

    return make


def routed(model):
    return f"<think> x</think><search> {model}: same</search>"


def played(loop, models):
    query = loop.setting.task.train[0]
    info = {"query_id": query.query_id, "cost_weight": 0.5, "models": models}
    columns = {"extra_info": info, "uid": "u", "global_steps": 4}
    return asyncio.run(loop.run_group(1, {}, **columns))[0]


def test_an_episode_may_ask_the_models_of_its_own_prompt_and_no_others(loop, tmp_path):
    turns = routed("titan"), routed("wiki"), "<think> x</think><answer> it</answer>"
    output = played(loop(*turns), np.array(["nano", "wiki"], dtype=object))
    assert output.num_turns == 3
    [record] = (tmp_path / next(p.name for p in tmp_path.glob("step_000004.*"))).read_text().splitlines()
    assert [word in record for word in ('"unknown_model"', '"model": "wiki"')] == [True, True]


def test_without_a_pool_of_its_own_a_prompt_may_ask_the_whole_one(loop, tmp_path):
    played(loop(routed("titan"), "<think> x</think><answer> it</answer>"), None)
    text = next(tmp_path.glob("step_000004.*")).read_text()
    assert '"model": "titan"' in text and '"unknown_model"' not in text


def test_only_what_the_policy_sampled_is_trained_on(loop):
    made = loop(routed("titan"), "<think> x</think><answer> it</answer>")
    sampled = [len(made.codec.encode(turn)) for turn in made.server_manager.turns]
    output = played(made, None)
    assert sum(output.response_mask) == sum(sampled)
    assert [output.response_mask[0], output.response_mask[sampled[0]]] == [1, 0]  # the reply follows the first turn
    masked = [p for p, m in zip(output.response_logprobs, output.response_mask, strict=True) if m]
    assert set(masked) == {-0.5}
