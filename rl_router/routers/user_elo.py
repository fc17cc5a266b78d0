"""Elo for each user: their own comparisons, and everybody's rating as if they had made so many more."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Annotated, Literal, Self

import numpy as np
from pydantic import Field

from rl_router.data.table import RoutingTable
from rl_router.routers.elo import Comparisons, bradley_terry, line, weighted_wins, win_rates
from rl_router.routers.learned import learned
from rl_router.routers.observations import Observations
from rl_router.routers.router import Router
from rl_router.routers.users import added_up, check_known, users_in, users_of
from rl_router.types import Query


@dataclass(kw_only=True)
class UserElo(Router):
    """Bradley and Terry 1952 on wins_u + prior · P, where P_ab is everybody's chance that a beats b, for each pair.

    A rating is said as quality by the line that fits what users gave each model on average to its ratings by them.
    """

    kind: Literal["user_elo"] = "user_elo"
    prior: Annotated[float, Field(gt=0.0)] = 8.0
    chances_: np.ndarray = learned("m m")
    line_: np.ndarray = learned("2")
    users_: tuple[str, ...] = learned()
    wins_: np.ndarray = learned("u m m")

    def _fit(self, observed: Observations) -> None:
        everyone = weighted_wins(np.ones((1, len(observed.queries))), Comparisons.of(observed.scores))
        strengths = bradley_terry(everyone, 1.0)[0]  # [m]
        self.chances_ = strengths[:, None] / (strengths[:, None] + strengths[None, :])
        self.users_, self.wins_ = self._wins(observed)
        rates, means = [win_rates(strengths[None])[0]], [observed.mean_scores]
        _, whose = users_in(observed)
        for u, rate in enumerate(self._rates(self.wins_)):
            mine = observed.scores[whose == u]
            rated = ~np.isnan(mine).all(axis=0)
            rates.append(rate[rated])
            means.append(np.nanmean(mine[:, rated], axis=0))
        self.line_ = line(np.concatenate(rates), np.concatenate(means))

    def joined(self, table: RoutingTable) -> Self:
        """A router that also knows the comparisons of `table`, without fitting. UnknownModelError for a new model,
        of which nobody's rating is known."""
        self._check_fitted()
        observed = Observations.of(table)
        check_known(observed, self.models_)
        other = self.copied()
        names, wins = self._wins(observed)
        other.users_, (other.wins_,) = added_up(self.users_, [self.wins_], names, [wins])
        return other

    def _scores(self, queries: Sequence[Query]) -> np.ndarray:
        return np.asarray(self.line_[0] + self.line_[1] * self._everyones_rates[users_of(queries, self.users_) + 1])

    @cached_property
    def _everyones_rates(self) -> np.ndarray:
        """[1 + u, m] of nobody in particular, then of each user."""
        return np.concatenate([self._rates(np.zeros((1, *self.chances_.shape))), self._rates(self.wins_)])

    def _rates(self, wins: np.ndarray) -> np.ndarray:
        """[u, m] the mean chance of beating another model."""
        if not len(wins):
            return np.zeros(wins.shape[:2])
        m = len(self.models_)
        return win_rates(bradley_terry(wins + self.prior * self.chances_ * (1.0 - np.eye(m)), 1e-9))

    def _wins(self, observed: Observations) -> tuple[tuple[str, ...], np.ndarray]:
        """(users, [u, m, m] how often row beat column for each)."""
        users, whose = users_in(observed)
        columns = [self.models_.index(model) for model in observed.models]
        wins = np.zeros((len(users), len(self.models_), len(self.models_)))
        for u in range(len(users)):
            scores = np.full(((whose == u).sum(), len(self.models_)), np.nan)
            scores[:, columns] = observed.scores[whose == u]
            wins[u] = weighted_wins(np.ones((1, len(scores))), Comparisons.of(scores))[0]
        return users, wins

    def _restored(self) -> None:
        if len(self.users_) != len(self.wins_) or len(set(self.users_)) != len(self.users_):
            raise ValueError("the users do not fit their comparisons")
