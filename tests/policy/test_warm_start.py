"""The warm start learns from the policy's own tokens and from no others."""

from itertools import groupby
from statistics import fmean
from types import SimpleNamespace

import pytest
import torch

from rl_router.episode import tags
from rl_router.episode.environment import Limits, opening_of
from rl_router.episode.tokens import TokenCodec
from rl_router.policy.config import TinyPolicy, WarmStart
from rl_router.policy.tiny import build_tiny, set_in_order
from rl_router.policy.warm_start import tokenise, warm_start

SMALL = TinyPolicy()


@pytest.fixture(scope="module")
def codec(tokenizer):
    return TokenCodec(tokenizer)


@pytest.fixture(scope="module")
def opening(task):
    return lambda demo: opening_of(task.pool, task.mode, Limits(), demo.query, demo.cost_weight)


@pytest.fixture(scope="module")
def losses_of(tokenizer):
    """The loss of each step of a fresh model on `data`."""

    def losses_of(data, *, steps=1, batch_size=32, seed=0):
        found = []
        warm_start(
            build_tiny(SMALL, tokenizer, seed=seed), data, WarmStart(steps=steps, batch_size=batch_size),
            pad_id=tokenizer.pad_token_id, seed=seed, on_step=lambda step, loss: found.append((step, loss)),
        )  # fmt: skip
        assert [step for step, _ in found] == list(range(1, steps + 1))
        return [loss for _, loss in found]

    return losses_of


def test_loss_falls_on_200_demonstrations_in_20_steps(demonstrate, codec, opening, losses_of):
    data = [tokenise(d, codec, opening(d), max_prompt_tokens=64, max_reply_tokens=24) for d in demonstrate(200)]
    losses = losses_of(data, steps=20)
    assert fmean(losses[-3:]) < 0.7 * losses[0]


def test_the_mask_holds_exactly_what_the_policy_wrote(demonstrate, codec, opening):
    for demo in demonstrate(60):
        ids, mask = tokenise(demo, codec, opening(demo), max_prompt_tokens=64, max_reply_tokens=24)
        spans = [
            (mine, codec.decode([i for i, _ in span]))
            for mine, span in groupby(zip(ids, mask, strict=True), key=lambda pair: pair[1])
        ]
        expected = [(False, tags.render_prompt(demo.query.text, demo.cost_weight))]
        for text, reply in demo.turns:
            expected += [(True, text)] + ([] if reply is None else [(False, tags.render_reply(reply))])
        assert spans == expected


def test_a_demonstration_that_is_too_long_is_cut_where_an_episode_would_cut_it(demonstrate, codec, opening):
    demo = next(d for d in demonstrate(60) if len(d.turns) > 1)
    ids, mask = tokenise(demo, codec, opening(demo), max_prompt_tokens=5, max_reply_tokens=3)
    assert ids[: mask.index(True)] == codec.prompt(demo.query.text, demo.cost_weight, 5)
    assert sum(mask) == sum(len(codec.encode(text)) for text, _ in demo.turns)


def test_tokens_that_others_wrote_do_not_enter_the_loss(losses_of):
    """P: written by the policy. The masked tail comes after every P, so it can only matter by being learned.

    ids    40 41 42 43 | 50 51        ids    40 41 42 43 | 60 61
    mask    .  .  P  P |  .  .        mask    .  .  P  P |  .  .
    """
    mask = [False, False, True, True, False, False]
    one = ([40, 41, 42, 43, 50, 51], mask)
    other = ([40, 41, 42, 43, 60, 61], mask)
    assert losses_of([one]) == losses_of([other])
    learned = [True] * 6
    assert losses_of([(one[0], learned)]) != losses_of([(other[0], learned)])


def test_padding_of_a_batch_does_not_enter_the_loss(losses_of):
    short, long = ([40, 41, 42], [False, True, True]), ([40, 41, 42, 43, 44, 45], [False, True, True, True, True, True])
    [of_short], [of_long], [of_both] = losses_of([short]), losses_of([long]), losses_of([short, long])
    assert of_both == pytest.approx((2 * of_short + 5 * of_long) / 7, rel=1e-5)


def test_settings_of_a_dial_may_begin_on_a_path():
    # Two of four vectors are 3 and 4 long at right angles: half way lies (3 + 4) / 2 of each, made longer by sqrt(2).
    rows = torch.tensor([[3.0, 0.0], [9.0, 9.0], [0.0, 4.0], [7.0, 7.0]])
    set_in_order(SimpleNamespace(get_input_embeddings=lambda: torch.nn.Embedding.from_pretrained(rows)), [0, 3, 2])
    expected = torch.tensor([[3.0, 0.0], [9.0, 9.0], [0.0, 4.0], [1.5 * 2**0.5, 2.0 * 2**0.5]])
    assert torch.allclose(rows, expected)
