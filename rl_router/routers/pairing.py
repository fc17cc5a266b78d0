"""Which scorers, selection rules and learners go together: asked before anything is loaded."""

from __future__ import annotations

from rl_router.errors import RecipeError
from rl_router.routers.registry import entries, entry

RULES = ("argmax", "top_k", "threshold", "cascade", "epsilon_greedy", "thompson")
LEARNERS = ("direct", "supervised", "preference", "bandit")


def check_pairing(router: str, rule: str, learner: str) -> None:
    """RecipeError that says which pairs do, when `router` cannot decide by `rule` or learn by `learner`."""
    found = entry(router)
    if learner == "rl":
        raise RecipeError(
            f"router {router} does not learn by rl: it learns by {_either(found.learners)}; rl trains a language model,"
            " as `rl-router train quickstart` does"
        )
    for what, chosen, known, takes in (
        ("decide by rule", rule, RULES, "rules"),
        ("learn by", learner, LEARNERS, "learners"),
    ):
        if chosen not in known:
            raise RecipeError(f"expected {takes[:-1]}.kind to be one of {', '.join(known)}, got {chosen!r}")
        if chosen not in getattr(found, takes):
            others = [name for name, other in entries().items() if chosen in getattr(other, takes)]
            raise RecipeError(
                f"router {router} does not {what} {chosen}: it goes with {_either(getattr(found, takes))}, and"
                f" {chosen} goes with {_either(others)}"
            )


def _either(names: tuple[str, ...] | list[str]) -> str:
    return " or ".join((", ".join(names[:-1]), names[-1])) if len(names) > 1 else "".join(names)
