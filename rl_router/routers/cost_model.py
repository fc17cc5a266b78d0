"""What a call to each model will cost: tokens predicted from the query's text, priced as the table was.

For model j and query q: cost = in_j · (a_j + b_j · characters(q)) + out_j · exp(w_j · shape(q)) · s_j. Completion
tokens are a ridge regression of their logarithm on the shape of the text; s_j makes its mean that of the table (as in
Duan's smearing, doi:10.1080/01621459.1983.10478017). Prices in_j and out_j are the non-negative least squares of the
recorded costs on the recorded tokens, which finds the price list again where there was one. Where the tokens were not
recorded but the costs were, the regression is on the costs themselves.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

import numpy as np
from pydantic import Field
from scipy.optimize import nnls

from rl_router.routers.learned import Learned, learned, learned_fields
from rl_router.routers.observations import Observations
from rl_router.routers.read_once import read
from rl_router.types import Query

N_SHAPES = 8
N_KINDS = 8
SMALLEST_USD = 1e-12
DECIMALS = 12
"""A predicted cost is rounded to a picodollar, so that equal prices stay equal whatever the order of a sum."""


@dataclass(kw_only=True)
class CostModel(Learned):
    """Fitted per model on the rows that are known; a model without any recorded cost stays NaN."""

    ridge: Annotated[float, Field(gt=0.0)] = 1.0
    prompt_: np.ndarray = learned("m 2")  # a, b: tokens = a + b · characters
    amount_: np.ndarray = learned("m 8")  # w: log of completion tokens, or of USD where tokens are unknown
    scale_: np.ndarray = learned("m")  # s
    range_: np.ndarray = learned("m 2")  # log of the least and the most that was seen: no extrapolation
    prices_: np.ndarray = learned("m 2", unknown=True)  # USD per prompt and per completion token

    def fit(self, observed: Observations) -> CostModel:
        shapes = text_shapes(observed.queries)
        fits = [self._fit_model(shapes, observed, j) for j in range(len(observed.models))]
        self.prompt_, self.amount_, self.scale_, self.range_, self.prices_ = (
            np.array(part, dtype=np.float64) for part in zip(*fits, strict=True)
        )
        return self

    def costs_usd(self, queries: Sequence[Query]) -> np.ndarray:
        """[n, m] predicted cost of a call in USD, NaN where nothing is known of a model's price."""
        shapes = read(lambda: tuple(query.text for query in queries), lambda: text_shapes(queries))  # [n, 8]
        characters = np.expm1(shapes[:, 1])[:, None]  # [n, 1]
        prompt = self.prompt_[:, 0] + self.prompt_[:, 1] * characters
        amount = np.exp(np.clip(shapes @ self.amount_.T, *self.range_.T)) * self.scale_
        return np.round(self.prices_[:, 0] * prompt + self.prices_[:, 1] * amount, DECIMALS)

    def with_constants(self, costs_usd: Sequence[float], order: np.ndarray) -> CostModel:
        """With further models that cost the same for every query; `order` [m] says where each column comes from."""
        more, smallest = len(costs_usd), np.log(np.maximum(costs_usd, SMALLEST_USD))
        grown, added = (
            CostModel(ridge=self.ridge),
            {
                "prompt_": np.zeros((more, 2)),
                "amount_": np.zeros((more, N_SHAPES)),
                "scale_": np.asarray(costs_usd) / np.exp(smallest),  # 0 for what is free
                "range_": np.stack([smallest, smallest], axis=1),
                "prices_": np.tile([0.0, 1.0], (more, 1)),
            },
        )
        for name, rows in added.items():
            setattr(grown, name, np.concatenate([getattr(self, name), rows])[order])
        return grown

    def _fit_model(self, shapes: np.ndarray, observed: Observations, j: int) -> tuple[object, ...]:
        prompt, completion, usd = (
            matrix[:, j] for matrix in (observed.prompt_tokens, observed.completion_tokens, observed.costs_usd)
        )
        known = ~(np.isnan(prompt) | np.isnan(completion) | np.isnan(usd))
        priced = ~np.isnan(usd)
        if known.any():
            characters = np.expm1(shapes[known, 1])
            lengths, _ = nnls(np.stack([np.ones(known.sum()), characters], axis=1), prompt[known])
            prices = _prices(prompt[known], completion[known], usd[known])
            return lengths, *self._log_linear(shapes[known], completion[known], 1.0), prices
        if priced.any():
            return np.zeros(2), *self._log_linear(shapes[priced], usd[priced], SMALLEST_USD), np.array([0.0, 1.0])
        return np.zeros(2), np.zeros(N_SHAPES), 0.0, np.zeros(2), np.full(2, np.nan)

    def _log_linear(self, shapes: np.ndarray, amounts: np.ndarray, least: float) -> tuple[np.ndarray, float, object]:
        """Weights [8], scale and log range of `amounts` [n] given `shapes` [n, 8]."""
        logs = np.log(np.maximum(amounts, least))
        penalty = self.ridge * np.eye(N_SHAPES)
        penalty[0, 0] = 0.0  # the intercept is free
        weights = np.linalg.solve(shapes.T @ shapes + penalty, shapes.T @ logs)
        extent = np.array([logs.min(), logs.max()])
        predicted = np.exp(np.clip(shapes @ weights, *extent))
        return weights, float(amounts.mean() / predicted.mean()), extent


def joined_costs(mine: CostModel, theirs: CostModel, added: Sequence[int], columns: np.ndarray) -> CostModel:
    """My models and those `added` of theirs, in the order `columns`."""
    joined = CostModel(**mine.parameters())
    for name, _, _ in learned_fields(CostModel):
        setattr(joined, name, np.concatenate([getattr(mine, name), getattr(theirs, name)[added]])[columns])
    return joined


def _prices(prompt: np.ndarray, completion: np.ndarray, usd: np.ndarray) -> np.ndarray:
    """USD per prompt token and per completion token. In units of the mean: the solver's tolerance is absolute."""
    unit = usd.mean() or 1.0
    found, _ = nnls(np.stack([prompt, completion], axis=1), usd / unit)
    return found * unit


def text_shapes(queries: Sequence[Query]) -> np.ndarray:
    """[n, 8] what can be seen of a text at a glance: a constant, its length, and shares of kinds of characters."""
    n = len(queries)
    texts = [query.text.encode("utf-8", "surrogatepass") for query in queries]
    kind = _KIND_OF_BYTE[np.frombuffer(b"".join(texts), dtype=np.uint8)]
    text_of = np.repeat(np.arange(n), list(map(len, texts)))
    counts = np.bincount(text_of * N_KINDS + kind, minlength=n * N_KINDS).reshape(n, N_KINDS).astype(np.float64)
    plain, spaces, breaks, digits, marks, questions, beyond_ascii, _ = counts.T
    characters = plain + spaces + breaks + digits + marks + questions + beyond_ascii
    shapes = np.ones((n, N_SHAPES))
    shapes[:, 1:4] = np.log1p(np.stack([characters, spaces, breaks], axis=1))
    shapes[:, 4:6] = np.stack([digits, marks], axis=1) / np.maximum(characters, 1.0)[:, None]
    shapes[:, 6] = questions > 0
    shapes[:, 7] = beyond_ascii > 0
    return shapes


def _kind_of_byte() -> np.ndarray:
    """[256] of a byte of UTF-8: 0 plain, 1 to 5 as below, 6 the first and 7 a further byte beyond ASCII."""
    kinds = np.zeros(256, dtype=np.int64)
    for kind, characters in enumerate((b" ", b"\n", b"0123456789", b"{}[]()=<>_;\\", b"?"), start=1):
        kinds[list(characters)] = kind
    kinds[0xC0:] = 6
    kinds[0x80:0xC0] = 7
    return kinds


_KIND_OF_BYTE = _kind_of_byte()
