"""How GMTRouter learns: for a batch of users, some answers of each are shown, and the rest must be predicted.

What is learned is to read a user off a few answers, and not the users of the table: those of a validation batch are
never trained on, as those who come later.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from rl_router.routers.networks.people import Answers, base_logits, messages, personal_logits, user_states


def few_answers_loss(
    network: dict[str, torch.Tensor],
    answers: Answers,
    *,
    states: torch.Tensor,
    users: np.ndarray,
    turns: np.ndarray,
    most: int,
    seed: int,
) -> Callable[[torch.Tensor, bool], torch.Tensor]:
    """The loss of a batch of users, given by number. `users` [n] and `turns` [n] say whose and of which turn an answer
    is. Of each user 0 to `most` turns are shown, as many as chance says; a turn is shown or hidden as a whole."""
    rng, of_user = np.random.default_rng(seed), [np.flatnonzero(users == u) for u in range(int(users.max()) + 1)]

    def loss(batch: torch.Tensor, learning: bool) -> torch.Tensor:
        drawn = rng if learning else np.random.default_rng(seed)  # what is only looked at is looked at alike
        shown, hidden, place = _drawn(batch.numpy(), of_user, turns, most, drawn)
        base = base_logits(network, answers.queries, states)
        expected = torch.sigmoid(base[torch.arange(len(base)), answers.models]).detach()
        told = messages(network, answers.take(shown), states, expected[shown])
        sums = torch.zeros(len(batch), told.shape[1]).index_add_(0, place[shown], told)
        counts = torch.bincount(place[shown], minlength=len(batch)).float()
        people = user_states(network, sums, counts)[place[hidden]]
        asked = answers.queries[hidden]
        own = personal_logits(network, people, asked, states)
        columns = answers.models[hidden]
        logits = (base[hidden] + own)[torch.arange(len(hidden)), columns]
        ratings = answers.ratings[hidden]
        rated = torch.nn.functional.binary_cross_entropy_with_logits(logits, ratings)
        return rated + _preferred(logits, ratings, turns[hidden.numpy()])

    return loss


def _drawn(
    batch: np.ndarray, of_user: list[np.ndarray], turns: np.ndarray, most: int, rng: np.random.Generator
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """(answers shown, answers hidden, [n] the place of each answer's user in the batch)."""
    shown, hidden, place = [], [], np.zeros(len(turns), int)
    for position, user in enumerate(batch):
        rows = of_user[user]
        place[rows] = position
        own = rng.permutation(np.unique(turns[rows]))
        visible = np.isin(turns[rows], own[: rng.integers(0, min(most, len(own) - 1) + 1)])
        shown.append(rows[visible])
        hidden.append(rows[~visible])
    return torch.from_numpy(np.concatenate(shown)), torch.from_numpy(np.concatenate(hidden)), torch.from_numpy(place)


def _preferred(logits: torch.Tensor, ratings: torch.Tensor, turns: np.ndarray) -> Any:
    """Mean logistic loss of every two answers of one turn of which one was liked better (Bradley and Terry)."""
    first, second = (torch.from_numpy(side) for side in _pairs(turns))
    margin, gain = ratings[first] - ratings[second], logits[first] - logits[second]
    told = margin != 0
    if not bool(told.any()):
        return logits.sum() * 0.0
    return torch.nn.functional.softplus(-torch.sign(margin[told]) * gain[told]).mean()


def _pairs(turns: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Every two rows of the same turn."""
    order = np.argsort(turns, kind="stable")
    first, second = [], []
    starts = np.flatnonzero(np.diff(turns[order], prepend=-1))
    for start, end in zip(starts, [*starts[1:], len(order)], strict=True):
        rows = order[start:end]
        i, j = np.triu_indices(len(rows), 1)
        first.append(rows[i])
        second.append(rows[j])
    return np.concatenate(first), np.concatenate(second)
