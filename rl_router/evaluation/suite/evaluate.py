"""Play every router of a suite that has not been played yet, then make the table from all lines there are."""

from __future__ import annotations

from collections.abc import Sequence

from rl_router.data.custom import load_custom_tasks
from rl_router.errors import RecipeError
from rl_router.evaluation.suite import lines
from rl_router.evaluation.suite.arena import Arena
from rl_router.evaluation.suite.entrants import Entrant, SingleModel, entrant_of, mandatory
from rl_router.evaluation.suite.folder import SuiteFolder
from rl_router.evaluation.suite.identity import digest_of_arena
from rl_router.evaluation.suite.sources import arena_of
from rl_router.evaluation.suite.suite import Suite
from rl_router.observe.console import StepProgress
from rl_router.routers.read_once import read_once


def evaluate_suite(suite: Suite) -> SuiteFolder:
    """Nothing is written before the data and every router have been found. Raises a RouterError in one sentence."""
    load_custom_tasks(suite.custom_tasks)
    given = [entrant_of(entry, suite) for entry in suite.routers]
    arena = arena_of(suite)
    for entrant in given:
        if isinstance(entrant, SingleModel):
            entrant.column(arena)  # a model that is not there is refused before anything is written
    entrants = _distinct([*mandatory(arena), *given])
    folder = SuiteFolder(suite.run_dir)
    folder.begin(
        suite,
        digest_of_arena(arena),
        {entrant.name: entrant.identity for entrant in entrants},
        arena.test.queries,
        arena.remarks,
    )
    play(suite, arena, entrants, folder)
    return folder


def play(suite: Suite, arena: Arena, entrants: Sequence[Entrant], folder: SuiteFolder) -> None:
    """Append the lines that are missing. A killed run goes on where its last whole line ends."""
    weights = suite.cost_weights if arena.is_priced else (0.0,)
    done = folder.read_lines()
    place = {query.query_id: i for i, query in enumerate(arena.test.queries)}
    rounds = [
        (entrant, seed) for entrant in entrants for seed in (suite.seeds if entrant.is_seeded else suite.seeds[:1])
    ]
    with StepProgress("evaluating", len(rounds)) as progress, read_once():
        for step, (entrant, seed) in enumerate(rounds, start=1):
            rows = lines.missing(done, (entrant.name, seed), place)
            if len(rows):
                for played in entrant.play(arena, weights, seed, rows):
                    lines.append(folder.lines, played)
            progress.update(step, {})


def _distinct(entrants: Sequence[Entrant]) -> list[Entrant]:
    """A router that is listed and mandatory too is played once; two of one name are refused."""
    found: dict[str, Entrant] = {}
    for entrant in entrants:
        known = found.get(entrant.name)
        if known is not None and known.identity != entrant.identity:
            raise RecipeError(
                f"two routers of this suite are named {entrant.name!r}: give one a name of its own, as in"
                f" {{router: {entrant.name}, name: NAME}}"
            )
        found.setdefault(entrant.name, entrant)
    return list(found.values())
