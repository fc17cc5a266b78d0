"""How much of the strong model's lead each router recovers: APGR and CPT, of every share and from RouteLLM's points.

Every table has the router that any other must beat, prompt length, and what no router can beat, the oracle. Standard
errors and the verdict against prompt length are from one bootstrap over the questions, the same for every router.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from rl_router.errors import DataError
from rl_router.evaluation.metrics.recovery import (
    apgr,
    cpt,
    eleven_point_curve,
    exact_curve,
    interpolated_cpt,
)
from rl_router.evaluation.statistics.comparison import LEVEL, Verdict
from rl_router.evaluation.two_models.pair import Pair
from rl_router.routers.router import Router

LENGTH, ORACLE = "prompt length", "oracle"
DRAWS = 400
NAN = float("nan")


@dataclass(frozen=True, kw_only=True, slots=True)
class Recovery:
    """Of one router between two models. Shares in [0, 1]; `eleven_` is RouteLLM's code, the others every share.

    `eleven_` is NaN where scores are tied so often that two deciles coincide: RouteLLM's code fails there. `verdict` is
    against prompt length, None for prompt length itself; one comparison, not corrected for many.
    """

    router: str
    apgr: float
    apgr_se: float
    apgr_up_to_1: float
    cpt_50: float
    cpt_80: float
    eleven_apgr: float
    eleven_cpt_50: float
    eleven_cpt_80: float
    verdict: Verdict | None
    n: int


def win_rates(router: Router, pair: Pair, *, weak: str, strong: str) -> np.ndarray:
    """[n] predicted quality of the strong model less that of the weak one: the higher, the sooner it is asked."""
    missing = [model for model in (weak, strong) if model not in router.models_]
    if missing:
        raise DataError(f"The router does not know {missing[0]}; it was fitted on {', '.join(router.models_)}.")
    scores = router.scores(pair.queries)
    return np.asarray(scores[:, router.models_.index(strong)] - scores[:, router.models_.index(weak)])


def recoveries(pair: Pair, rates: Mapping[str, np.ndarray], *, rng: np.random.Generator) -> list[Recovery]:
    """One row per router of `rates` (name -> [n] win rate), then prompt length and the oracle."""
    return recoveries_beside_length(pair.weak, pair.strong, {**rates, LENGTH: pair.lengths}, rng=rng)


def recoveries_beside_length(
    weak: np.ndarray, strong: np.ndarray, rates: Mapping[str, np.ndarray], *, rng: np.random.Generator
) -> list[Recovery]:
    """One row per column [n] of `rates`, prompt length among them, then the oracle."""
    graded = ~(np.isnan(weak) | np.isnan(strong))
    columns = {**rates, ORACLE: np.where(graded, strong - weak, 0.0)}
    weak, strong = weak[graded], strong[graded]
    known = {name: column[graded] for name, column in columns.items()}
    drawn = _bootstrap(list(known.values()), weak, strong, rng)  # [draws, routers]
    beside = drawn - drawn[:, [list(known).index(LENGTH)]]
    return [
        _row(
            name, rate, weak, strong, se=_spread(drawn[:, i]), better=None if name == LENGTH else _verdict(beside[:, i])
        )
        for i, (name, rate) in enumerate(known.items())
    ]


def _row(
    name: str, rate: np.ndarray, weak: np.ndarray, strong: np.ndarray, *, se: float, better: Verdict | None
) -> Recovery:
    curve, coarse = (make(rate, weak, strong) for make in (exact_curve, eleven_point_curve))
    usable = len(np.unique(np.quantile(rate, np.linspace(0, 1, 11)))) == 11
    return Recovery(
        router=name,
        apgr=apgr(curve),
        apgr_se=se,
        apgr_up_to_1=apgr(curve, clip=True),
        cpt_50=cpt(curve, 0.5),
        cpt_80=cpt(curve, 0.8),
        eleven_apgr=apgr(coarse) if usable else NAN,
        eleven_cpt_50=interpolated_cpt(coarse, 0.5) if usable else NAN,
        eleven_cpt_80=interpolated_cpt(coarse, 0.8) if usable else NAN,
        verdict=better,
        n=len(rate),
    )


def _bootstrap(
    rates: Sequence[np.ndarray], weak: np.ndarray, strong: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    """[draws, routers] APGR on questions drawn with replacement, the same for every router."""
    n = len(weak)
    draws = []
    for _ in range(DRAWS):
        rows = rng.integers(0, n, n)
        draws.append([apgr(exact_curve(rate[rows], weak[rows], strong[rows])) for rate in rates])
    return np.array(draws)


def _spread(values: np.ndarray) -> float:
    """Half of what the middle 68 % cover: a standard error that a few draws without any lead cannot blow up."""
    low, high = np.nanquantile(values, [0.16, 0.84])
    return float(high - low) / 2


def _verdict(differences: np.ndarray) -> Verdict:
    """Of the differences in APGR [draws] to prompt length."""
    low, high = np.nanquantile(differences, [LEVEL / 2, 1 - LEVEL / 2])
    if low <= 0 <= high:
        return Verdict.NO_DIFFERENCE
    return Verdict.BETTER if low > 0 else Verdict.WORSE
