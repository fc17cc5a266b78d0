"""A support vector machine per model: will it answer this query well?

Cortes and Vapnik 1995, doi:10.1007/BF00994018, with the squared hinge. A score between 0 and 1 counts as a right answer
with weight s and a wrong one with weight 1 − s, so no label has to be made of it. Margins become qualities by Platt's
sigmoid (Platt 1999), fitted on margins of queries that the machine was not trained on. `kernel: rbf` is a Nyström map
onto `landmarks` queries (Williams and Seeger 2000), so that fitting stays linear in the table.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import Field
from scipy import sparse
from scipy.special import expit
from sklearn.svm import LinearSVC

from rl_router.routers.features import Features, Vectors, make_features
from rl_router.routers.learned import learned
from rl_router.routers.linear import curve
from rl_router.routers.observations import Observations
from rl_router.routers.router import Router
from rl_router.types import Query


@dataclass(kw_only=True)
class Svm(Router):
    """P_j(right | q) = σ(α_j + β_j · (w_j · φ(q) + b_j)), one machine per model."""

    kind: Literal["svm"] = "svm"
    features: str = "tfidf"
    kernel: Literal["linear", "rbf"] = "linear"
    gamma: Annotated[float, Field(gt=0.0)] = 1.0
    landmarks: Annotated[int, Field(ge=2)] = 512
    c: Annotated[float, Field(gt=0.0)] = 0.1
    folds: Annotated[int, Field(ge=2)] = 2
    seed: int = 0
    features_: Features = learned()
    landmarks_: Vectors | None = learned("p f")
    map_: np.ndarray | None = learned("p d")
    weights_: np.ndarray = learned("d m")
    intercepts_: np.ndarray = learned("m")
    sigmoids_: np.ndarray = learned("m 2")

    def _fit(self, observed: Observations) -> None:
        self.features_ = make_features(self.features).fit(observed.texts)
        vectors = self.features_(observed.texts)
        self.landmarks_ = self.map_ = None
        if self.kernel == "rbf":
            self.landmarks_, self.map_ = self._nystroem(vectors)
        mapped = self._mapped(vectors)
        fits = [self._fit_model(mapped, observed.scores[:, j]) for j in range(len(self.models_))]
        weights, self.intercepts_, self.sigmoids_ = (np.array(part) for part in zip(*fits, strict=True))
        self.weights_ = np.ascontiguousarray(weights.T)  # a product with sparse rows would copy it each time

    def _scores(self, queries: Sequence[Query]) -> np.ndarray:
        mapped = self._mapped(self.features_([query.text for query in queries]))
        margins = mapped @ self.weights_ + self.intercepts_
        return np.asarray(expit(self.sigmoids_[:, 0] + self.sigmoids_[:, 1] * margins))

    def _fit_model(self, vectors: Any, scores: np.ndarray) -> tuple[np.ndarray, float, np.ndarray]:
        """Weights [d], intercept and sigmoid [2] of one model, on the queries that it was graded on."""
        rows = np.flatnonzero(~np.isnan(scores))
        scores = scores[rows]
        weights, intercept = self._machine(vectors[rows], scores)
        fold = np.arange(len(rows)) % self.folds
        margins = np.zeros(len(rows))
        for k in range(self.folds):
            rest = fold != k
            if rest.any() and not rest.all():
                w, b = self._machine(vectors[rows[rest]], scores[rest])
                margins[~rest] = vectors[rows[~rest]] @ w + b
        a, b = curve(-margins, scores)
        return weights, intercept, np.array([a, b])

    def _machine(self, vectors: Any, scores: np.ndarray) -> tuple[np.ndarray, float]:
        right, wrong = np.flatnonzero(scores > 0), np.flatnonzero(scores < 1)
        if not len(right) or not len(wrong):
            return np.zeros(vectors.shape[1]), 0.0  # always right or always wrong: there is no margin to learn
        rows = np.concatenate([right, wrong])
        labels = np.repeat([1, 0], [len(right), len(wrong)])
        sample = np.concatenate([scores[right], 1 - scores[wrong]])
        machine = LinearSVC(C=self.c, dual="auto", random_state=self.seed, tol=1e-3, max_iter=2000)
        machine.fit(vectors[rows], labels, sample_weight=sample)
        return machine.coef_[0], float(machine.intercept_[0])

    def _nystroem(self, vectors: Any) -> tuple[Any, np.ndarray]:
        count = min(self.landmarks, vectors.shape[0])
        rows = np.sort(np.random.default_rng(self.seed).choice(vectors.shape[0], count, replace=False))
        landmarks = vectors[rows]
        values, directions = np.linalg.eigh(self._kernel(landmarks, landmarks))
        kept = values > 1e-6 * values.max()
        return landmarks, np.asarray(directions[:, kept] / np.sqrt(values[kept]))

    def _mapped(self, vectors: Any) -> Any:
        if self.map_ is None:
            return vectors
        return self._kernel(vectors, self.landmarks_) @ self.map_

    def _kernel(self, left: Any, right: Any) -> np.ndarray:
        """exp(−γ |x − y|²) of rows of length 1."""
        product = left @ right.T
        product = product.toarray() if sparse.issparse(product) else product
        return np.exp(-self.gamma * np.maximum(2.0 - 2.0 * product, 0.0))
