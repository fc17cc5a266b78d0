"""Supervised warm start: next-token loss on the policy's own tokens of scripted demonstrations.

Matrices are trained with Muon and the rest with AdamW, which needs about half the steps of AdamW alone. The steps must
be enough for the grammar to be written almost always: without that, reinforcement learning collapses.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch.nn import functional as F

from rl_router.episode.dialect import Dialect, Left, Observation, Opening, Route
from rl_router.episode.environment import name_of
from rl_router.policy.config import WarmStart
from rl_router.policy.demonstrations import Demonstration, read_turn

TokenisedDemonstration = tuple[list[int], list[bool]]


def tokenise(
    demo: Demonstration, codec: Dialect, opening: Opening, *, max_prompt_tokens: int, max_reply_tokens: int
) -> TokenisedDemonstration:
    """Ids of one demonstration in a dialect and, per id, whether the policy wrote it. `opening` is its prompt's."""
    ids = codec.opening(opening, max_prompt_tokens)
    mask = [False] * len(ids)
    for number, (text, reply) in enumerate(demo.turns, start=1):
        thought, action = read_turn(text)
        written = codec.encode(codec.spoken(thought, action, opening.models))
        ids, mask = ids + written, mask + [True] * len(written)
        if reply is not None and isinstance(action, Route):
            left = Left(turns=opening.max_turns - number, budget_usd=opening.budget_usd)
            read = codec.observed([Observation(reply, name_of(number), action.model)], left, max_reply_tokens)
            ids, mask = ids + read, mask + [False] * len(read)
    return ids, mask


def warm_start(
    model: Any,
    data: Sequence[TokenisedDemonstration],
    config: WarmStart,
    *,
    pad_id: int,
    seed: int,
    on_step: Callable[[int, float], None] = lambda step, loss: None,
) -> None:
    """Train `model` in place for `config.steps` steps; `on_step` gets each step's number and loss."""
    rng = random.Random(seed)
    optimisers = _optimisers(model, config)
    model.train()
    batches: list[list[TokenisedDemonstration]] = []
    for step in range(config.steps):
        if not batches:
            batches = _length_buckets(data, config.batch_size, rng)
        ids, mask = _pad(batches.pop(), pad_id)  # [b, t]
        start = max(1, int(mask.any(0).long().argmax()))  # before it nothing is learned, and logits are dear
        kept = ids.shape[1] - start + 1
        out = model(input_ids=ids, attention_mask=(ids != pad_id).long(), logits_to_keep=kept)
        wanted = mask[:, start:]
        loss = F.cross_entropy(out.logits[:, :-1][wanted], ids[:, start:][wanted])
        for optimiser, rate in optimisers:
            for group in optimiser.param_groups:
                group["lr"] = rate * _schedule(step, config.steps)
            optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        for optimiser, _ in optimisers:
            optimiser.step()
        on_step(step + 1, float(loss.detach()))
    model.eval()


def _schedule(step: int, steps: int) -> float:
    """Warm up over 30 steps, stay, fall to a tenth over the second half."""
    fall = max(0.0, 2.0 * step / steps - 1.0)
    return min(1.0, (step + 1) / 30) * (1.0 - 0.9 * fall)


def _optimisers(model: Any, config: WarmStart) -> list[tuple[torch.optim.Optimizer, float]]:
    matrices = [p for n, p in model.named_parameters() if p.ndim == 2 and "embed" not in n and "lm_head" not in n]
    chosen = {id(p) for p in matrices}
    rest = [p for p in model.parameters() if id(p) not in chosen]
    return [
        (torch.optim.AdamW(rest, lr=config.learning_rate, betas=(0.9, 0.98), weight_decay=0.01), config.learning_rate),
        (
            torch.optim.Muon(matrices, lr=config.muon_learning_rate, weight_decay=0.01, momentum=0.9),
            config.muon_learning_rate,
        ),
    ]


def _length_buckets(
    data: Sequence[TokenisedDemonstration], batch_size: int, rng: random.Random
) -> list[list[TokenisedDemonstration]]:
    """Batches of nearly equal length in random order: less padding, the same expectation."""
    order = sorted(data, key=lambda item: len(item[0]) + 6 * rng.random())
    batches = [order[i : i + batch_size] for i in range(0, len(order), batch_size)]
    rng.shuffle(batches)
    return batches


def _pad(batch: Sequence[TokenisedDemonstration], pad_id: int) -> tuple[torch.Tensor, torch.Tensor]:
    width = max(len(ids) for ids, _ in batch)
    ids = torch.full((len(batch), width), pad_id)
    mask = torch.zeros(len(batch), width, dtype=torch.bool)
    for row, (i, m) in enumerate(batch):
        ids[row, : len(i)] = torch.tensor(i)
        mask[row, : len(m)] = torch.tensor(m)
    return ids, mask
