"""How PersonalizedRouter learns: of a batch of users some ratings are hidden, and predicted from those that are not."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import torch

from rl_router.routers.networks.interactions import (
    ROUNDS,
    Interactions,
    edges,
    logits,
    model_states,
    questions,
    user_counts,
    user_states,
    user_sums,
)
from rl_router.routers.networks.losses import score_loss
from rl_router.routers.networks.training import values

MOST = 32
"""Questions of one user in a batch: whoever asked more is, to learn from, several users alike."""


class HiddenRatings:
    """Ratings [n, m], NaN where there is none, of questions with the vectors [n, d] and `tasks` [n, d], asked by the
    users `whose` [n], -1 for nobody. What is learned from are groups of up to `MOST` questions of one user."""

    def __init__(
        self, *, vectors: np.ndarray, tasks: np.ndarray, scores: np.ndarray, whose: np.ndarray, seed: int
    ) -> None:
        liked, rated = edges(scores, np.nanmean(scores, axis=0))
        self._vectors, self._tasks, self._scores = values(vectors), values(tasks), values(scores)
        self._liked, self._rated = values(liked), values(rated)
        self._whose, self._seed = whose, seed
        self.groups = _groups(whose, np.random.default_rng(seed))

    def loss(self, network: Mapping[str, torch.Tensor]) -> Callable[[torch.Tensor, bool], torch.Tensor]:
        """A loss of some groups for `train`. Of each, as many questions as chance says are seen with their ratings."""
        rng = np.random.default_rng(self._seed)

        def loss(batch: torch.Tensor, learning: bool) -> torch.Tensor:
            drawn = rng if learning else np.random.default_rng(self._seed)  # what is only looked at is looked at alike
            shown, asked = [], []
            for group in batch.tolist():
                rows = drawn.permutation(self.groups[group])
                cut = drawn.integers(0, len(rows))
                shown.append(rows[:cut])
                asked.append(rows[cut:])
            seen, unseen = self._seen(shown), self._seen(asked)
            states = model_states(network, seen)
            sums = [user_sums(seen, state) for state, _ in zip(states, ROUNDS, strict=False)]
            users = user_states(network, sums, user_counts(seen))
            who = questions(network, unseen.vectors, unseen.tasks) + unseen.asked_by @ users
            return score_loss(logits(network, who, states[-1]), self._scores[np.concatenate(asked)])

        return loss

    def _seen(self, groups: list[np.ndarray]) -> Interactions:
        """Those rows, each group asked by a user of its own."""
        rows = np.concatenate(groups)
        asked_by = torch.zeros(len(rows), len(groups))
        place = np.repeat(np.arange(len(groups)), [len(group) for group in groups])
        somebody = np.flatnonzero(self._whose[rows] >= 0)
        asked_by[somebody, place[somebody]] = 1.0
        return Interactions(
            vectors=self._vectors[rows], tasks=self._tasks[rows], asked_by=asked_by, liked=self._liked[rows],
            rated=self._rated[rows],
        )  # fmt: skip


def _groups(whose: np.ndarray, rng: np.random.Generator) -> list[np.ndarray]:
    """Rows of one user, nobody included, `MOST` at a time and in random order."""
    groups = []
    for user in np.unique(whose):
        rows = rng.permutation(np.flatnonzero(whose == user))
        groups += np.array_split(rows, -(-len(rows) // MOST))
    return groups
