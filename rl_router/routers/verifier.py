"""How far a reply can be trusted, by its words: fitted on the replies and scores that a table records."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import numpy as np
import polars as pl
from pydantic import Field
from scipy import sparse

from rl_router.errors import DataError
from rl_router.routers.features import Tfidf
from rl_router.routers.learned import Learned, learned
from rl_router.routers.linear import ridge
from rl_router.routers.seeded import generator
from rl_router.types import Query

if TYPE_CHECKING:
    from rl_router.routers.observations import Observations

SHOWN = 4000
"""Characters of a reply that are read: the first and the last half of it."""


@dataclass(kw_only=True)
class ReplyVerifier(Learned):
    """confidence = the ridge regression of a score on the words of the reply, of the question, and the model's name."""

    strength: Annotated[float, Field(gt=0.0)] = 3.0
    max_rows: Annotated[int, Field(ge=1)] = 20_000
    models_: tuple[str, ...] = learned()
    replies_: Tfidf = learned()
    questions_: Tfidf = learned()
    weights_: np.ndarray = learned("d 1")
    mean_: float = learned()

    def fit(self, observed: Observations) -> ReplyVerifier:
        rows = observed.table.frame.filter(
            pl.col("response").is_not_null() & pl.col("score").is_not_null(),
        ).sort("query_id", "model")
        if rows.is_empty():
            raise DataError(
                f"A cascade learns from recorded replies, and the {observed.table.where} has none; choose another rule"
                " (argmax, top_k, threshold), or a table with responses."
            )
        if rows.height > self.max_rows:
            chosen = generator("verifier").choice(rows.height, self.max_rows, replace=False)
            rows = rows[np.sort(chosen).tolist()]
        models, texts, replies = (rows[name].to_list() for name in ("model", "query", "response"))
        self.models_ = observed.models
        self.replies_ = Tfidf(longest=1, max_terms=20_000).fit([shown(reply) for reply in replies])
        self.questions_ = Tfidf(longest=1, max_terms=20_000).fit(texts)
        scores = rows["score"].to_numpy()
        self.mean_ = float(scores.mean())
        self.weights_ = ridge(self._rows(texts, models, replies), (scores - self.mean_)[:, None], self.strength)
        return self

    def confidence(self, queries: Sequence[Query], models: Sequence[str], replies: Sequence[str]) -> np.ndarray:
        """[n] the expected score of each reply, in [0, 1]."""
        rows = self._rows([query.text for query in queries], models, replies)
        return np.clip(self.mean_ + np.asarray(rows @ self.weights_)[:, 0], 0.0, 1.0)

    def _rows(self, texts: Sequence[str], models: Sequence[str], replies: Sequence[str]) -> sparse.csr_matrix:
        """[n, d]"""
        names = np.array([[float(model == known) for known in self.models_] for model in models])
        lengths = np.log1p([[len(reply)] for reply in replies]) / 10.0
        words = self.replies_([shown(reply) for reply in replies]), self.questions_(texts)
        return sparse.csr_matrix(sparse.hstack([*words, names, lengths]))


def shown(reply: str) -> str:
    half = SHOWN // 2
    return reply if len(reply) <= SHOWN else f"{reply[:half]} {reply[-half:]}"
