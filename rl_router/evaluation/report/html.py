"""The page of an evaluation: one self-contained HTML file with its style, its data and its few lines of script."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rl_router.evaluation.report.behaviour import SCRIPT, STYLE
from rl_router.evaluation.report.calibration_view import calibration
from rl_router.evaluation.report.episodes_view import episodes_view
from rl_router.evaluation.report.frontier_view import frontier
from rl_router.evaluation.report.headline import headline
from rl_router.evaluation.report.summary import Summary, block_of
from rl_router.evaluation.report.table_view import (
    by_weight,
    pairs_view,
    points_view,
    recovery_view,
    tasks_view,
    traffic_view,
    worth_view,
)
from rl_router.evaluation.report.tables import notes
from rl_router.evaluation.suite.lines import Key
from rl_router.evaluation.suite.played import Played
from rl_router.evaluation.two_models.report import NOTE
from rl_router.observe import page
from rl_router.observe.charts import escape


def html(summary: Summary, played: Mapping[Key, Played], questions: Sequence[Mapping[str, Any]]) -> str:
    sections = _sections(summary, played, questions)
    parts = [page.section(heading, body) for heading, body in sections.items()]
    top = _top(summary, page.contents(sections))
    return page.page(f"{summary.name} · rl-router", [STYLE, top, *parts, SCRIPT])


def _sections(summary: Summary, played: Mapping[Key, Played], questions: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """What is under each heading, in the order of the page."""
    return {
        "Cost and quality": frontier(summary),
        "Every router at every cost weight": by_weight(summary, "points", points_view) + _dim(*notes(summary), _SORTED),
        "Over all cost weights": worth_view(summary) + _dim(_WORTH),
        **recovery_section(summary),
        "Who beats whom": _dim(_PAIRS) + by_weight(summary, "pairs", pairs_view),
        "Quality by task": by_weight(summary, "tasks", tasks_view),
        "Where the traffic goes": _dim(_TRAFFIC) + traffic_view(summary),
        "Calibration": calibration(summary),
        "Episodes": episodes_view(played, questions),
    }


def recovery_section(summary: Summary) -> dict[str, str]:
    """None unless there are two models."""
    if not summary.recoveries:
        return {}
    return {"How much of the strong model's lead": recovery_view(summary) + _dim(NOTE)}


def _dim(*notes: str) -> str:
    return "".join(page.paragraph(note, "dim") for note in notes)


_SORTED = "A click on a heading sorts by it."
_PAIRS = (
    "Utility of the row's router minus the column's, where a paired test corrected for all pairs finds a difference;"
    " = is no difference. Point at a cell for its p-value."
)
_TRAFFIC = "The share of each router's calls that went to each model, over all its settings."
_WORTH = (
    "AIQ: mean height of the hull between the costs of the cheapest and the dearest single model. Gap closed: share of"
    " the way from the best single model to the oracle, at the least λ. Dominated: settings that one single model beats"
    " in cost and quality. PerfGain, CostSave and ParetoDist are LLMRouterBench's, Arena is RouterArena's score of the"
    " best setting. ECE: calibration error of predicted quality. Bill: predicted over paid cost."
)


def _top(summary: Summary, contents: str) -> str:
    routers = sum(block_of(worth) != "single models" for worth in summary.worths)
    facts = [
        ("queries", f"{summary.queries:,}"),
        ("tasks", f"{len(summary.tasks):,}"),
        ("models", f"{len(summary.worths) - routers:,}"),
        ("routers, reference rows included", f"{routers:,}"),
    ]
    if summary.max_tokens is not None:
        facts.append(("token limit", f"{summary.max_tokens:,}"))
    items = "".join(f"<li><span class='dim'>{escape(k)}</span> <b>{escape(v)}</b></li>" for k, v in facts)
    first, *rest = headline(summary)
    said = "".join(page.paragraph(words) for words in rest)
    return (
        f"<header><h1>rl-router · {escape(summary.name)}</h1>{page.paragraph(first, 'headline')}{said}"
        f"<ul class='facts'>{items}</ul>{contents}</header>"
    )
