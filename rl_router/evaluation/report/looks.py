"""How the routers of one evaluation look: reference rows as everywhere, the others from a palette in their order."""

from __future__ import annotations

from rl_router.evaluation.report.summary import Summary, block_of
from rl_router.observe.looks import LOOKS, Look

_COLOURS = ("policy", "policy_blind", "warm_start", "cheapest", "best_single", "other", "strongest")
_MARKS = ("circle", "square", "diamond", "up", "down")
_REFERENCES = {
    "random": LOOKS["random"],
    "cheapest": LOOKS["cheapest"],
    "strongest": LOOKS["strongest"],
    "best_single": LOOKS["best_single"],
    "best_per_task": Look(label="best per task", colour="var(--best_table)", mark="square", dash="5 4"),
    "knn": Look(label="kNN", colour="var(--best_table)", mark="circle", dash="2 3", hollow=True),
    "oracle": LOOKS["oracle"],
}
_MODEL = Look(label="single models", colour="var(--random)", mark="circle", hollow=True)


def looks_of(summary: Summary) -> dict[str, Look]:
    """A look per router, in the order of the table."""
    found: dict[str, Look] = {}
    palette = 0
    for worth in summary.worths:
        if worth.router in _REFERENCES:
            found[worth.router] = _REFERENCES[worth.router]
        elif block_of(worth) == "single models":
            found[worth.router] = _MODEL
        else:
            mark = _MARKS[palette // len(_COLOURS) % len(_MARKS)]
            colour = f"var(--{_COLOURS[palette % len(_COLOURS)]})"
            found[worth.router] = Look(label=worth.router, colour=colour, mark=mark, dash="", bold=True)
            palette += 1
    return found
