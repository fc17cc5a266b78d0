"""A rule: long questions go to the dearest model, short ones to the cheapest."""

from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np

from rl_router.routers.fixed import model_sizes
from rl_router.routers.learned import learned
from rl_router.routers.router import Router


@dataclass(kw_only=True)
class ByLength(Router):
    has_dial: ClassVar[bool] = False
    kind: Literal["by_length"] = "by_length"
    words: int = 12
    ranks_: np.ndarray = learned("m")  # 0 the cheapest, 1 the dearest

    def _fit(self, observed):
        order = np.argsort(np.argsort(model_sizes(observed), kind="stable"))
        self.ranks_ = order / max(len(order) - 1, 1)

    def _scores(self, queries):
        long = np.array([len(query.text.split()) > self.words for query in queries])
        return np.where(long[:, None], self.ranks_, 1.0 - self.ranks_)
