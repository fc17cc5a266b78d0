"""Ratings from pairwise comparisons, over the whole table or weighted by similarity to the query.

Bradley and Terry 1952: P(a beats b) = π_a / (π_a + π_b). The weighting is the similarity-weighted ranking of RouteLLM
(Ong et al. 2024, https://arxiv.org/abs/2406.18665, section 4.1): comparison i counts ω_i = γ^(1 + S(q, q_i)), where
S is the cosine to query i as a share of the largest one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Annotated, Literal

import numpy as np
from pydantic import Field

from rl_router.routers.features import Features, Vectors, make_features
from rl_router.routers.index import Index
from rl_router.routers.learned import learned
from rl_router.routers.observations import Observations
from rl_router.routers.router import Router
from rl_router.types import Query

ELO_BASE, ELO_SCALE, ELO_MEAN = 10.0, 400.0, 1000.0
ROUNDS = 100


@dataclass(kw_only=True)
class Elo(Router):
    """Every pair of models graded on the same query is a comparison; a tie is half a win for each.

    `weighting: global` gives one rating per model, `similarity` a rating per model and query. A rating is said as
    quality by the line that fits the models' mean scores to their global chances of beating another model.
    """

    kind: Literal["elo"] = "elo"
    weighting: Literal["global", "similarity"] = "similarity"
    features: str = "tfidf"
    gamma: Annotated[float, Field(ge=1.0)] = 10.0
    prior: Annotated[float, Field(gt=0.0)] = 1.0
    """Comparisons of each pair that are taken for ties before any is seen, per mean weight: no rating is infinite."""
    ratings_: np.ndarray = learned("m")
    """Elo: 400 points are odds of ten to one, and the mean is 1000."""
    line_: np.ndarray = learned("2")
    features_: Features | None = learned()
    vectors_: Vectors | None = learned("n d")
    scores_: np.ndarray | None = learned("n m", unknown=True)

    def _fit(self, observed: Observations) -> None:
        everyone = np.ones((1, len(observed.queries)), dtype=np.float32)
        strengths = bradley_terry(weighted_wins(everyone, Comparisons.of(observed.scores)), self.prior)  # [1, m]
        self.ratings_ = ELO_MEAN + ELO_SCALE * centred_logs(strengths)[0] / np.log(ELO_BASE)
        self.line_ = line(win_rates(strengths)[0], observed.mean_scores)
        self.features_ = self.vectors_ = self.scores_ = None
        if self.weighting == "similarity":
            self.features_ = make_features(self.features).fit(observed.texts)
            self.vectors_ = self.features_(observed.texts)
            self.scores_ = observed.scores.astype(np.float32)

    def _scores(self, queries: Sequence[Query]) -> np.ndarray:
        rates = self._local_rates(queries) if self.features_ is not None else self._global_rates(len(queries))
        return self.line_[0] + self.line_[1] * rates

    def _global_rates(self, n: int) -> np.ndarray:
        strengths = np.exp((self.ratings_ - ELO_MEAN) * np.log(ELO_BASE) / ELO_SCALE)
        return np.tile(win_rates(strengths[None]), (n, 1))

    def _local_rates(self, queries: Sequence[Query]) -> np.ndarray:
        assert self.features_ is not None and self.scores_ is not None
        vectors = self.features_([query.text for query in queries])
        rates = []
        for similarity in self._index.similarities(vectors):  # [b, n]
            share = similarity / np.maximum(similarity.max(axis=1, keepdims=True), 1e-9)
            wins = weighted_wins(np.float32(self.gamma) ** (1.0 + share), self._comparisons)
            rates.append(win_rates(bradley_terry(wins, self.prior)))
        return np.concatenate(rates)

    @cached_property
    def _comparisons(self) -> Comparisons:
        assert self.scores_ is not None
        return Comparisons.of(self.scores_)

    @cached_property
    def _index(self) -> Index:
        assert self.vectors_ is not None
        return Index.of(self.vectors_)


@dataclass(frozen=True, kw_only=True)
class Comparisons:
    """Every pair of models on every query, laid out so that any weighting of the queries is one product."""

    models: int
    outcome: np.ndarray  # [n, p] float32: 1 where the first of the pair won, ½ for a tie, 0 where it lost or none knows
    known: np.ndarray | None  # [n, p] float32: 1 where both were graded; None where all were

    @staticmethod
    def of(scores: np.ndarray) -> Comparisons:
        """From [n, m] scores; a comparison with NaN is none."""
        first, second = np.triu_indices(scores.shape[1], 1)  # [p]
        a, b = scores[:, first], scores[:, second]
        outcome = ((a > b) + np.float32(0.5) * (a == b)).astype(np.float32)
        unknown = np.isnan(scores)
        known = None if not unknown.any() else (~(unknown[:, first] | unknown[:, second])).astype(np.float32)
        return Comparisons(models=scores.shape[1], outcome=outcome, known=known)


def weighted_wins(weights: np.ndarray, comparisons: Comparisons) -> np.ndarray:
    """[b, m, m] how often row beat column under [b, n] weights of the queries, of mean weight 1."""
    weights = np.asarray(weights / weights.mean(axis=1, keepdims=True), dtype=np.float32)
    first, second = np.triu_indices(comparisons.models, 1)
    won = weights @ comparisons.outcome  # [b, p]
    total = weights.sum(axis=1, keepdims=True) if comparisons.known is None else weights @ comparisons.known
    wins = np.zeros((len(weights), comparisons.models, comparisons.models))
    wins[:, first, second], wins[:, second, first] = won, total - won
    return wins


def bradley_terry(wins: np.ndarray, prior: float) -> np.ndarray:
    """[b, m] strengths of geometric mean 1 that make the [b, m, m] wins likeliest (Zermelo's iteration).

    Newman 2023, "Efficient computation of rankings from pairwise comparisons", equation 10, which takes fewer rounds.
    One model after the other, as there: two models that are changed at once swap their strengths for ever.
    """
    m = wins.shape[1]
    wins = wins + 0.5 * prior * (1.0 - np.eye(m))
    strengths = np.ones(wins.shape[:2])
    for _ in range(ROUNDS if m > 1 else 0):
        before = strengths
        strengths = before.copy()
        for i in range(m):
            both = strengths[:, [i]] + strengths  # [b, m]
            strengths[:, i] = (wins[:, i] * strengths / both).sum(axis=1) / (wins[:, :, i] / both).sum(axis=1)
        strengths = np.exp(centred_logs(strengths))
        if np.abs(np.log(strengths / before)).max() < 1e-9:
            break
    return strengths


def centred_logs(strengths: np.ndarray) -> np.ndarray:
    logs = np.log(strengths)
    return np.asarray(logs - logs.mean(axis=-1, keepdims=True))


def win_rates(strengths: np.ndarray) -> np.ndarray:
    """[b, m] the mean chance of beating another model."""
    m = strengths.shape[1]
    chances = strengths[:, :, None] / (strengths[:, :, None] + strengths[:, None, :])  # [b, m, m], 0.5 against itself
    return np.asarray((chances.sum(axis=2) - 0.5) / max(m - 1, 1)) if m > 1 else np.full_like(strengths, 0.5)


def line(rates: np.ndarray, means: np.ndarray) -> np.ndarray:
    """Intercept and slope [2] of mean scores on win rates; flat where all rates are equal, never downwards."""
    spread = rates - rates.mean()
    slope = max(float(spread @ means / (spread @ spread)), 0.0) if spread @ spread > 1e-12 else 0.0
    return np.array([means.mean() - slope * rates.mean(), slope])
