"""Batched decoding against transformers' own, against a full forward pass, and against numbers worked out by hand."""

import asyncio
import math
from collections import Counter

import pytest
import torch

from rl_router.policy.decoder import BatchedDecoder, SamplingParams

GREEDY = SamplingParams(temperature=0.0)
PROMPTS = [
    [40, 41, 42],
    [50, 60, 70, 80, 90, 100, 110, 120, 130, 140, 150],
    [45],
    [200, 201, 202, 203, 204, 205, 206],
    [33, 44, 55, 66, 77, 88, 99, 111, 122, 133, 144, 155, 166, 177, 188, 199, 211, 222, 233],
    [40, 41, 42, 43, 44],
]
HALF_QUARTER = (0.5, 0.25, 0.15, 0.10)


class FixedModel:
    """A model of four tokens whose next token is always drawn from the same distribution. It keeps what it was fed."""

    device = torch.device("cpu")

    def __init__(self, probabilities=HALF_QUARTER, fails_at_call=None):
        self.logits = torch.tensor(probabilities).log()
        self.fails_at_call = fails_at_call
        self.fed = []

    def eval(self):
        return self

    def __call__(self, input_ids, past_key_values, **_):
        self.fed.append(input_ids.tolist())
        if len(self.fed) == self.fails_at_call:
            raise RuntimeError("out of memory")
        rows, width = input_ids.shape
        past_key_values.update(torch.zeros(rows, 1, width, 1), torch.zeros(rows, 1, width, 1), 0)
        return type("Output", (), {"logits": self.logits.expand(rows, 1, 4)})


def decode(decoder, prompts, *, max_tokens=1, stop_ids=(), params=GREEDY, sleeps=0):
    """One sample per prompt. Each request is made `sleeps` turns of the event loop after the one before."""

    async def one(i, prompt):
        for _ in range(i * sleeps):
            await asyncio.sleep(0)
        return await decoder.generate(prompt, max_tokens=max_tokens, stop_ids=stop_ids, params=params)

    async def every():
        return await asyncio.gather(*(one(i, p) for i, p in enumerate(prompts)), return_exceptions=True)

    return asyncio.run(every())


def by_transformers(model, prompt, max_tokens, stop_id):
    ids = torch.tensor([prompt])
    out = model.generate(
        ids, attention_mask=torch.ones_like(ids), do_sample=False, max_new_tokens=max_tokens, eos_token_id=stop_id
    )
    return out[0, len(prompt) :].tolist()


@pytest.mark.parametrize("sleeps", [0, 1, 5])
@pytest.mark.parametrize("max_batch", [2, 64])
def test_greedy_decoding_is_that_of_transformers_for_ragged_prompts_admitted_at_any_time(model, sleeps, max_batch):
    stop_id = by_transformers(model, PROMPTS[1], 8, None)[7]  # some row stops early
    expected = [by_transformers(model, prompt, 20, stop_id) for prompt in PROMPTS]
    assert len(set(map(len, expected))) > 1 and len({tuple(e[:3]) for e in expected}) > 3, "the model must be varied"
    decoder = BatchedDecoder(model, pad_id=0, max_batch=max_batch, gather_s=0.0)
    samples = decode(decoder, PROMPTS, max_tokens=20, stop_ids=[stop_id], sleeps=sleeps)
    assert [s.token_ids for s in samples] == expected
    assert [s.stopped for s in samples] == [e[-1] == stop_id for e in expected]
    assert decoder.sampled_tokens == sum(map(len, expected))


@pytest.mark.parametrize("temperature", [1.0, 0.7])
def test_log_probabilities_are_those_of_one_full_forward_pass(model, temperature):
    model = model.double()  # so that no rounding inside the model stands between the two
    params = SamplingParams(temperature=temperature)
    samples = decode(BatchedDecoder(model, pad_id=0, gather_s=0.0), PROMPTS, max_tokens=12, params=params, sleeps=2)
    for prompt, sample in zip(PROMPTS, samples, strict=True):
        ids = torch.tensor([[*prompt, *sample.token_ids]])
        with torch.inference_mode():
            expected = (model(input_ids=ids).logits[0] / temperature).log_softmax(-1)  # [t, v]
        steps = range(len(prompt) - 1, ids.shape[1] - 1)
        full = [float(expected[t, ids[0, t + 1]]) for t in steps]
        assert sample.log_probs == pytest.approx(full, abs=1e-5)


@pytest.mark.parametrize(
    ("params", "expected"),
    [
        (SamplingParams(), HALF_QUARTER),
        (SamplingParams(top_k=2), (2 / 3, 1 / 3, 0, 0)),
        (SamplingParams(top_k=9), HALF_QUARTER),
        (SamplingParams(top_p=0.7), (2 / 3, 1 / 3, 0, 0)),  # 0.5 + 0.25 is the first sum that reaches 0.7
        (SamplingParams(top_p=0.8), (0.5 / 0.9, 0.25 / 0.9, 0.15 / 0.9, 0)),
        (SamplingParams(top_p=0.1), (1, 0, 0, 0)),  # never fewer than one
        (SamplingParams(temperature=0.5), (0.25 / 0.345, 0.0625 / 0.345, 0.0225 / 0.345, 0.01 / 0.345)),  # p² / Σ p²
        (SamplingParams(temperature=0.5, top_k=2), (0.8, 0.2, 0, 0)),  # 0.25 : 0.0625
    ],
)
def test_tokens_are_drawn_from_the_truncated_distribution_and_say_its_log_probability(params, expected):
    samples = decode(BatchedDecoder(FixedModel(), pad_id=0), [[1]] * 2000, params=params)
    drawn = Counter(s.token_ids[0] for s in samples)
    for token, probability in enumerate(expected):
        assert drawn[token] / 2000 == pytest.approx(probability, abs=0.05)
        assert (drawn[token] > 0) == (probability > 0)
    for sample in samples:
        assert sample.log_probs == [pytest.approx(math.log(expected[sample.token_ids[0]]), abs=1e-6)]


def test_requests_of_one_batch_may_have_different_parameters():
    async def both():
        decoder = BatchedDecoder(FixedModel((0.3, 0.4, 0.2, 0.1)), pad_id=0)
        ask = [decoder.generate([1], max_tokens=40, stop_ids=(), params=p) for p in (GREEDY, SamplingParams())]
        return await asyncio.gather(*ask)

    greedy, sampled = asyncio.run(both())
    assert set(greedy.token_ids) == {1}
    assert len(set(sampled.token_ids)) > 1


def test_a_turn_ends_at_a_stop_id_or_at_its_last_token():
    model = FixedModel()
    decoder = BatchedDecoder(model, pad_id=0)
    [stopped] = decode(decoder, [[1, 2]], max_tokens=5, stop_ids=[0])
    assert (stopped.token_ids, stopped.stopped) == ([0], True)
    [cut] = decode(decoder, [[1, 2]], max_tokens=5, stop_ids=[3])
    assert (cut.token_ids, cut.stopped) == ([0] * 5, False)
    [nothing] = decode(decoder, [[1, 2]], max_tokens=0)
    assert (nothing.token_ids, nothing.log_probs, nothing.stopped) == ([], [], False)


def test_equal_prompts_that_arrive_together_are_prefilled_once():
    model = FixedModel()
    decode(BatchedDecoder(model, pad_id=9), [[1, 2, 3], [3, 1]] * 4, max_tokens=2)
    assert model.fed[0] == [[1, 2, 3], [9, 3, 1]]
    assert len(model.fed[1]) == 8


@pytest.mark.parametrize("fails_at_call", [1, 2, 4])
def test_a_failure_inside_the_model_reaches_every_coroutine_that_waits(fails_at_call):
    decoder = BatchedDecoder(FixedModel(fails_at_call=fails_at_call), pad_id=0, max_batch=2, gather_s=0.0)

    async def every():
        ask = [decoder.generate([i], max_tokens=30, stop_ids=(), params=GREEDY) for i in range(5)]
        return await asyncio.wait_for(asyncio.gather(*ask, return_exceptions=True), timeout=5)

    errors = asyncio.run(every())
    assert [str(e) for e in errors] == ["out of memory"] * 5
    [after] = decode(decoder, [[1]], max_tokens=3)
    assert after.token_ids == [0, 0, 0]


def test_new_weights_change_what_is_decoded_and_unknown_names_are_skipped(model):
    decoder = BatchedDecoder(model, pad_id=0, gather_s=0.0)
    [before] = decode(decoder, PROMPTS[:1], max_tokens=6)
    name, weight = next((n, p) for n, p in model.named_parameters() if "down_proj" in n)
    decoder.load_weights({name: -2.0 * weight.detach().clone(), "lm_head.weight": torch.zeros(1)})
    [after] = decode(decoder, PROMPTS[:1], max_tokens=6)
    assert before.log_probs != after.log_probs
    assert after.token_ids == by_transformers(model, PROMPTS[0], 6, None)
