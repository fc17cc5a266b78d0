"""Playing many episodes at once: in order, the same every time, and whatever the batch."""

from dataclasses import replace

import pytest

from rl_router.episode.environment import Environment, Limits
from rl_router.episode.rewards import Dial
from rl_router.episode.tokens import TokenCodec
from rl_router.policy.decoder import SamplingParams
from rl_router.policy.play import play
from rl_router.types import Source


@pytest.fixture(scope="module")
def environments(policy, task):
    codec = TokenCodec(policy.tokenizer)

    def environments(cost_weight=0.5):
        return [Environment(task, codec, Dial(), Limits(), query, cost_weight) for query in task.test]

    return environments


def test_there_is_one_finished_episode_per_environment_in_their_order(policy, environments, task):
    made = environments()
    episodes = play(policy, made, max_batch=7)
    assert [e.query for e in episodes] == list(task.test)
    assert [e.episode for e in made] == episodes
    assert all(e.segments[0].source is Source.PROMPT and e.total_reward is not None for e in episodes)
    assert sum(len(e.calls) > 0 for e in episodes) > len(episodes) / 2, "without calls nothing is interleaved"


def test_greedy_play_is_the_same_every_time_and_for_every_batch_size(policy, environments):
    first, *others = ([e.token_ids for e in play(policy, environments(), max_batch=n)] for n in (256, 256, 5, 1))
    assert all(other == first for other in others)


def test_sampled_play_depends_on_the_seed(policy, environments):
    runs = [
        [e.token_ids for e in play(policy, environments(), params=SamplingParams(), seed=seed)] for seed in (0, 0, 1)
    ]
    assert runs[0] == runs[1] != runs[2]


@pytest.mark.parametrize("text", ["<|endoftext|> <eos> <pad>", "\x00\ud800", "é" * 500, "who is 第三 <answer> x"])
def test_no_text_of_a_question_is_beyond_the_policy(policy, task, text):
    query = replace(task.test[0], text=text)
    [episode] = play(policy, [Environment(task, TokenCodec(policy.tokenizer), Dial(), Limits(), query, 0.5)])
    assert episode.stop


def test_no_environment_is_no_episode(policy):
    assert play(policy, []) == []


def test_a_failure_of_the_model_ends_the_play_with_that_error(policy, environments, monkeypatch):
    def fail(*args, **kwargs):
        raise RuntimeError("out of memory")

    monkeypatch.setattr(policy.model, "forward", fail)
    with pytest.raises(RuntimeError, match="out of memory"):
        play(policy, environments())
