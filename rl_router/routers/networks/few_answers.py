"""How GMTRouter learns: for a batch of users, some answers of each are shown, and the rest must be predicted.

What is learned is to read a user off a few answers, and not the users of the table: those of a validation batch are
never trained on, as those who come later.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from rl_router.routers.networks.people import Answers, answer_logits, messages, user_states

MOST_ASKED = 256
"""Turns of a user that are predicted in one step: enough to learn from, and few enough of whoever has thousands."""


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
    is. Of each user 0 to `most` turns are shown, as many as chance says, and up to `MOST_ASKED` others asked; a turn
    is shown or asked as a whole."""
    rng, of_user = np.random.default_rng(seed), [np.flatnonzero(users == u) for u in range(int(users.max()) + 1)]

    def loss(batch: torch.Tensor, learning: bool) -> torch.Tensor:
        drawn = rng if learning else np.random.default_rng(seed)  # what is only looked at is looked at alike
        shown, asked, place = _drawn(batch.numpy(), of_user, turns, most, drawn)
        seen, unseen = answers.take(shown), answers.take(asked)
        expected = torch.sigmoid(answer_logits(network, seen, states)).detach()
        told = messages(network, seen, states, expected)
        sums = torch.zeros(len(batch), told.shape[1]).index_add_(0, place[shown], told)
        counts = torch.bincount(place[shown], minlength=len(batch)).float()
        people = user_states(network, sums, counts)[place[asked]]
        logits = answer_logits(network, unseen, states, people)
        rated = torch.nn.functional.binary_cross_entropy_with_logits(logits, unseen.ratings)
        return rated + _preferred(logits, unseen.ratings, turns[asked.numpy()])

    return loss


def _drawn(
    batch: np.ndarray, of_user: list[np.ndarray], turns: np.ndarray, most: int, rng: np.random.Generator
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """(answers shown, answers asked, [n] the place of each answer's user in the batch)."""
    shown, asked, place = [], [], np.zeros(len(turns), int)
    for position, user in enumerate(batch):
        rows = of_user[user]
        place[rows] = position
        own = rng.permutation(np.unique(turns[rows]))
        k = rng.integers(0, min(most, len(own) - 1) + 1)
        shown.append(rows[np.isin(turns[rows], own[:k])])
        asked.append(rows[np.isin(turns[rows], own[k : k + MOST_ASKED])])
    return torch.from_numpy(np.concatenate(shown)), torch.from_numpy(np.concatenate(asked)), torch.from_numpy(place)


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
