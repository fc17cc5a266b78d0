"""Whatever the policy says and the workers reply, ids are joined exactly and only sampled ones are the policy's."""

import asyncio
from dataclasses import dataclass

from hypothesis import given, settings
from hypothesis import strategies as st

from rl_router.episode import tags
from rl_router.episode.environment import Limits
from rl_router.episode.rollout import run_episode
from rl_router.types import Mode, Source, StopReason

ASK = "<think> dear</think><search> mather: same</search>"
SAY = "<think> done</think><answer> it</answer><eos>"


@dataclass(frozen=True)
class Turn:
    token_ids: list[int]
    log_probs: list[float]


PIECES = [*tags.TAGS, "<eos>", "<pad>", "</", "<answ", ":", "7", "\ud800", "\x00", "é"]
REPLIES = st.lists(st.sampled_from(PIECES) | st.text(st.characters(), max_size=8), max_size=12).map("".join)
WELL_FORMED = st.sampled_from(
    [ASK, SAY, "<think> x</think><search> gpt: a: b</search>", "<think></think><search> nano:</search>"]
)
SOUP = st.lists(st.sampled_from([*tags.TAGS, " mather: same", "7", "<eos>"]), max_size=8).map("".join)
LIMITS = st.builds(
    Limits,
    max_turns=st.integers(1, 5),
    max_prompt_tokens=st.integers(4, 40),
    max_response_tokens=st.integers(1, 120),
    max_turn_tokens=st.integers(1, 60),
    max_reply_tokens=st.integers(3, 30),
)


@settings(deadline=None, max_examples=200)
@given(
    turns=st.lists(st.one_of(WELL_FORMED, WELL_FORMED, SOUP), min_size=5, max_size=5),
    replies=st.lists(REPLIES, min_size=1, max_size=4),
    limits=LIMITS,
    mode=st.sampled_from(Mode),
)
def test_every_prompt_is_the_last_one_with_the_turn_and_the_reply_after_it(
    codec, make_task, make_environment, turns, replies, limits, mode
):
    environment = make_environment(make_task(*replies, mode=mode), limits=limits)
    script = iter(turns)
    prompts: list[list[int]] = []
    sampled: list[list[int]] = []

    async def generate(prompt_ids, max_tokens, stop_ids):
        assert 1 <= max_tokens <= limits.max_turn_tokens
        assert len(prompt_ids) + max_tokens <= limits.max_prompt_tokens + limits.max_response_tokens
        ids = codec.encode(next(script))[:max_tokens]
        prompts.append(prompt_ids)
        sampled.append(ids)
        return Turn(ids, [-1.0] * len(ids))

    episode = asyncio.run(run_episode(environment, generate))

    spans = {source: [list(s.token_ids) for s in episode.segments if s.source is source] for source in Source}
    assert spans[Source.POLICY] == sampled
    joined = prompts[0]
    for i, ids in enumerate(sampled):
        assert prompts[i] == joined
        joined = joined + ids + (spans[Source.REPLY][i] if i < len(spans[Source.REPLY]) else [])
    assert list(episode.token_ids) == joined == environment.prompt_ids
    assert len(spans[Source.REPLY]) == len(sampled) - 1

    rebuilt = [i for s in episode.segments for i in s.token_ids if s.source is Source.POLICY]
    assert [i for i, m in zip(episode.token_ids, episode.policy_mask, strict=True) if m] == rebuilt
    assert [p == -1.0 for p in episode.log_probs] == list(episode.policy_mask)

    response = len(episode.token_ids) - len(prompts[0])
    assert len(prompts[0]) <= limits.max_prompt_tokens and response <= limits.max_response_tokens
    control = set(codec.tokenizer.get_added_vocab().values())
    assert all(not control & set(ids[1:-1]) and len(ids) <= limits.max_reply_tokens for ids in spans[Source.REPLY])
    assert len(sampled) <= limits.max_turns
    if episode.stop not in (StopReason.MALFORMED, StopReason.MAX_TOKENS):
        assert episode.format_ok


@settings(deadline=None)
@given(replies=st.lists(REPLIES, min_size=3, max_size=3))
def test_no_replies_cost_a_well_formed_policy_its_format(make_task, make_environment, play, replies):
    episode = play(make_environment(make_task(*replies)), [ASK, ASK, ASK, SAY])
    assert (episode.stop, episode.format_ok, episode.metrics["calls"]) == (StopReason.ANSWERED, True, 3.0)
    assert "format" not in episode.reward


def test_the_generator_is_told_the_prompt_the_room_and_where_to_stop(codec, make_task, make_environment):
    seen = []

    async def generate(prompt_ids, max_tokens, stop_ids):
        seen.append((codec.decode(prompt_ids), max_tokens, [codec.decode([i]) for i in stop_ids]))
        ids = codec.encode(ASK if len(seen) == 1 else SAY)
        return Turn(ids, [0.0] * len(ids))

    turn, reply = len(codec.encode(ASK)), len(codec.reply("7", 40))
    room = Limits(max_prompt_tokens=64, max_response_tokens=turn + reply + 30, max_turn_tokens=40, max_reply_tokens=40)
    asyncio.run(run_episode(make_environment(make_task("7"), limits=room), generate))
    prompt, stops = "<query> compute 3 + 4</query><cost_weight=0.5>", ["</search>", "</answer>", "<eos>"]
    assert seen == [(prompt, 40, stops), (prompt + ASK + "<information> 7</information>", 30, stops)]
