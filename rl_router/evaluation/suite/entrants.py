"""Who plays: every kind of router behind one interface, from the names that a suite lists.

An entrant turns test queries into `Played` values, a batch at a time where a batch costs time or money. Routers that
choose one model per query are judged on the arena's recorded answers; what asks models itself is in `live`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from rl_router.errors import RecipeError, UnknownModelError
from rl_router.evaluation.suite.arena import Arena
from rl_router.evaluation.suite.identity import digest_of
from rl_router.evaluation.suite.played import Choices, Played, Routes, replayed, replayed_routes
from rl_router.evaluation.suite.references import REFERENCES, SEEDED, Reference
from rl_router.evaluation.suite.results import EACH_MODEL, MODEL
from rl_router.evaluation.suite.suite import Suite

if TYPE_CHECKING:
    from rl_router.routers.observations import Observations
    from rl_router.routers.router import Router


URL = "url:"
MULTI_ROUND = ("knn_multiround", "llm_multiround")


class Entrant(Protocol):
    """`identity` changes when what is behind the name does: lines of another identity are not this entrant's.
    `is_seeded`: another seed may give another result."""

    @property
    def name(self) -> str: ...

    @property
    def identity(self) -> str: ...

    @property
    def is_seeded(self) -> bool: ...

    def play(self, arena: Arena, cost_weights: Sequence[float], seed: int, rows: np.ndarray) -> Iterator[Played]:
        """The test queries `rows` [n], in one or more batches."""
        ...


@dataclass(frozen=True, kw_only=True)
class ReferenceRow:
    """One of the rows that nobody can leave out."""

    name: str
    rule: Reference
    identity: str = "reference"

    @property
    def is_seeded(self) -> bool:
        return self.name in SEEDED

    def play(self, arena: Arena, cost_weights: Sequence[float], seed: int, rows: np.ndarray) -> Iterator[Played]:
        yield replayed(self.name, seed, arena, self.rule(arena, cost_weights, seed, rows), rows)


@dataclass(frozen=True, kw_only=True)
class EachModel:
    """Every model of the pool on every query, as one entrant with a setting per model."""

    name: str = EACH_MODEL
    identity: str = "reference"
    is_seeded: bool = False

    def play(self, arena: Arena, cost_weights: Sequence[float], seed: int, rows: np.ndarray) -> Iterator[Played]:
        m = len(arena.models)
        columns = np.repeat(np.arange(m)[:, None], len(rows), axis=1)
        yield replayed(self.name, seed, arena, Choices(cost_weights=(None,) * m, columns=columns), rows)


@dataclass(frozen=True, kw_only=True)
class SingleModel:
    """`model:NAME` under a name of its own, which puts it among the routers that are paired with each other."""

    name: str
    model: str
    is_seeded: bool = False

    @property
    def identity(self) -> str:
        return self.model

    def play(self, arena: Arena, cost_weights: Sequence[float], seed: int, rows: np.ndarray) -> Iterator[Played]:
        columns = np.full((1, len(rows)), self.column(arena))
        yield replayed(self.name, seed, arena, Choices(cost_weights=(None,), columns=columns), rows)

    def column(self, arena: Arena) -> int:
        """The model's place in the arena; an UnknownModelError when it has none."""
        if self.model not in arena.models:
            raise UnknownModelError(f"there is no model {self.model!r} here; there are {', '.join(arena.models)}")
        return arena.models.index(self.model)


@dataclass(frozen=True, kw_only=True)
class ScoringRouter:
    """A router with the contract of `rl_router.routers`. `make` gives it fitted, from a seed and what there is to fit
    on; a router that was saved is only loaded."""

    name: str
    identity: str
    is_seeded: bool
    make: Callable[[int, Callable[[], Observations]], Router] = field(repr=False)

    def play(self, arena: Arena, cost_weights: Sequence[float], seed: int, rows: np.ndarray) -> Iterator[Played]:
        router = self.make(seed, lambda: observations(arena))
        queries = [arena.test.queries[i] for i in rows]
        if router.is_cascade:
            yield replayed_routes(self.name, seed, arena, routes_of(router, arena, queries, cost_weights), rows)
        else:
            yield replayed(self.name, seed, arena, choices_of(router, arena, queries, cost_weights), rows)


def observations(arena: Arena) -> Observations:
    """Read once per arena, however many routers are fitted on it."""
    if "observations" not in arena.__dict__:
        from rl_router.routers.observations import Observations

        arena.__dict__["observations"] = Observations.of(arena.fit.table)
    found: Observations = arena.__dict__["observations"]
    return found


def choices_of(router: Router, arena: Arena, queries: Sequence[Any], cost_weights: Sequence[float]) -> Choices:
    """The router's decision at each cost weight, among the models that it and the arena both know."""
    parts = arena.by_takers(queries, _known(router, arena))
    found = [_choices_of(router, arena, [queries[i] for i in places], cost_weights, able) for places, able in parts]
    if len(found) == 1:
        return found[0]
    order = np.argsort([i for places, _ in parts for i in places])
    predicted = {
        name: np.hstack([getattr(part, name) for part in found])[:, order]
        for name in ("predicted_quality", "predicted_cost_usd")
        if router.has_dial
    }
    columns = np.hstack([part.columns for part in found])[:, order]
    return Choices(cost_weights=found[0].cost_weights, columns=columns, **predicted)


def _choices_of(
    router: Router, arena: Arena, queries: Sequence[Any], cost_weights: Sequence[float], models: Sequence[str]
) -> Choices:
    candidates = router.candidates(queries, models=models)  # scored once; a cost weight then only selects
    weights = tuple(cost_weights) if router.has_dial else (None,)
    chosen = np.array([router.choose(replace(candidates, cost_weight=weight or 0.0)) for weight in weights])
    rows = np.arange(len(queries))
    return Choices(
        cost_weights=weights,
        columns=arena.columns(candidates.models)[chosen],
        predicted_quality=candidates.scores[rows, chosen] if router.has_dial else None,
        predicted_cost_usd=candidates.costs_usd[rows, chosen] if router.has_dial else None,
        lead=_lead(arena, candidates.models, candidates.scores),
    )


def routes_of(router: Router, arena: Arena, queries: Sequence[Any], cost_weights: Sequence[float]) -> Routes:
    """The models that a cascade asks in turn at each cost weight, by the replies that the arena records."""
    judged = dict[tuple[str, str], float | None]()
    chains: list[list[list[str]]] = [[[] for _ in queries] for _ in cost_weights]
    for places, able in arena.by_takers(queries, _known(router, arena)):
        table = arena.test.table.select(models=able)
        for of_weight, weight in zip(chains, cost_weights, strict=True):
            for i, chain in zip(places, router.chain([queries[i] for i in places], table, weight, judged), strict=True):
                of_weight[i] = chain
    place = {model: j for j, model in enumerate(arena.models)}
    return Routes(
        cost_weights=tuple(cost_weights),
        columns=tuple(tuple(tuple(place[model] for model in chain) for chain in at) for at in chains),
        router_usd=np.array([router.judging_usd(queries, table, weight) for weight in cost_weights]),
    )


def _known(router: Router, arena: Arena) -> list[str]:
    """The models that both know, an UnknownModelError where that is none."""
    known = [model for model in router.models_ if model in arena.models]
    if not known:
        raise UnknownModelError(
            f"the router was fitted on {', '.join(router.models_)}, and none of these is among"
            f" {', '.join(arena.models)}"
        )
    return known


def _lead(arena: Arena, known: Sequence[str], scores: np.ndarray) -> np.ndarray | None:
    """[n] from [n, known]; None where there are not two models."""
    if len(arena.models) != 2 or len(known) != 2:
        return None
    strong = known.index(arena.models[arena.strongest])
    return np.asarray(scores[:, strong] - scores[:, 1 - strong], dtype=float)


def mandatory(arena: Arena) -> list[Entrant]:
    """The rows that nobody can leave out. Without recorded costs there is no cheapest; length is a rule for two."""
    left_out = {"cheapest": not arena.is_priced, "prompt_length": len(arena.models) != 2}
    rows: list[Entrant] = [
        ReferenceRow(name=name, rule=rule) for name, rule in REFERENCES.items() if not left_out.get(name, False)
    ]
    return [EachModel(), *rows, registered("knn", {}, "knn")]


def entrant_of(entry: str | Mapping[str, Any], suite: Suite) -> Entrant:
    """What a suite lists: a name, a folder, `model:NAME`, or a mapping with `router` and more."""
    if isinstance(entry, Mapping):
        return _entrant_of_mapping(entry, suite)
    if entry.startswith(URL):
        return _endpoint({"router": entry}, suite)
    if entry.startswith(MODEL):
        return SingleModel(name=entry, model=entry.removeprefix(MODEL))
    if entry in MULTI_ROUND:
        return _entrant_of_mapping({"router": entry}, suite)
    found = _trained(entry, None, suite)
    if found is not None:
        return found
    if "/" in entry:
        raise RecipeError(f"there is no folder {entry} to read a router from")
    return registered(entry, {}, entry)


def _endpoint(entry: Mapping[str, Any], suite: Suite) -> Entrant:
    from rl_router.evaluation.suite.endpoint import endpoint_of

    return endpoint_of(entry, suite)


def _entrant_of_mapping(entry: Mapping[str, Any], suite: Suite) -> Entrant:
    options = dict(entry)
    router = options.pop("router", None)
    if not isinstance(router, str):
        raise RecipeError(f"expected a mapping with router: NAME among the routers, got {dict(entry)}")
    if router.startswith(URL):
        return _endpoint(entry, suite)
    if router in MULTI_ROUND:
        from rl_router.evaluation.suite.multi_round import multi_round_of

        return multi_round_of(entry, suite)
    name = options.pop("name", None)
    if router.startswith(MODEL) and not options:
        return SingleModel(name=str(name or router), model=router.removeprefix(MODEL))
    found = _trained(router, name, suite)
    if found is not None and not options:
        return found
    if found is not None or router.startswith(MODEL):
        raise RecipeError(f"{router} takes no {', '.join(options)}: it is judged as it is")
    shown = ", ".join(f"{key}={value}" for key, value in options.items())
    return registered(router, options, str(name or (f"{router} {shown}" if shown else router)))


def registered(router: str, options: Mapping[str, Any], name: str) -> ScoringRouter:
    """A router by its registered name, built-in or a plug-in's, fitted on the fit side with these hyper-parameters."""
    from rl_router.routers.registry import router_class

    kind = router_class(router)
    fields = {f for f in kind.__dataclass_fields__ if kind.__dataclass_fields__[f].init} - {"kind"}
    unknown = sorted(set(options) - fields)
    if unknown:
        raise RecipeError(f"the router {router} has no {unknown[0]!r}; it takes {', '.join(sorted(fields))}")
    is_seeded = "seed" in fields and "seed" not in options
    kind(**options).check_parameters()

    def make(seed: int, observed: Callable[[], Observations]) -> Router:
        chosen = dict(options) | ({"seed": seed} if is_seeded else {})
        return kind(**chosen).fit_observed(observed())

    shown = ",".join(f"{key}={options[key]}" for key in sorted(options))
    return ScoringRouter(name=name, identity=f"{router}({shown})", is_seeded=is_seeded, make=make)


def _trained(text: str, name: Any, suite: Suite) -> Entrant | None:
    """A run, a router's folder, or `router-NAME-THRESHOLD`. None where `text` names no such thing."""
    from rl_router.routers.named import find_router, load_named

    path = Path(text).expanduser()
    shown = str(name or (path.resolve().name if path.is_dir() else text))
    named = find_router(path)
    if named is not None:
        router = load_named(named)  # a broken folder is refused before anything is played
        identity = f"{digest_of(named.folder)} {named.threshold if named.threshold is not None else ''}".strip()
        return ScoringRouter(name=shown, identity=identity, is_seeded=False, make=lambda *_: router)
    if not path.is_dir():
        return None
    if (path / "config.json").is_file():
        from rl_router.episode.multi_round_run import is_multi_round
        from rl_router.observe.run_folder import RunFolder

        if is_multi_round(RunFolder(path)):
            from rl_router.evaluation.suite.multi_round import multi_round_run

            return multi_round_run(path, shown, suite)
        from rl_router.evaluation.suite.policy import PolicyRun

        return PolicyRun(name=shown, path=path)
    raise RecipeError(
        f"{path} holds neither router.json nor config.json, so it is no router: name a folder that"
        " `rl-router train` wrote"
    )
