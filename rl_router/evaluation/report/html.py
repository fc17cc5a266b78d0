"""The page of an evaluation: one self-contained HTML file with its style, its data and its few lines of script."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

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

_STYLE = """<style>
tr.block th{text-align:left;color:var(--dim);font-weight:600;padding-top:14px;background:var(--paper)}
td.dim{font-size:inherit}td.better{color:var(--cheapest)}td.worse{color:var(--strongest)}
fieldset.legend{gap:4px 16px}fieldset.legend label{white-space:nowrap;cursor:pointer}
fieldset.legend svg{vertical-align:-2px;margin:0 2px 0 4px}fieldset.legend input{accent-color:var(--policy)}
table.pairs td{text-align:center;padding:4px 6px}table.pairs td.no-difference{color:var(--dim)}
table.upright thead th{writing-mode:vertical-rl;transform:rotate(180deg);text-align:left;vertical-align:bottom;
padding:6px 2px;border:0;white-space:nowrap;max-width:none}
table.upright thead th:first-child{writing-mode:horizontal-tb;transform:none;white-space:normal}
.search{display:flex;flex-wrap:wrap;gap:8px;margin:8px 0;align-items:center}
.search input,.search select{font:inherit;color:inherit;background:var(--panel);border:1px solid var(--rule);
border-radius:6px;padding:5px 8px;min-width:0}.search input{flex:1 1 240px}
table.episodes{font-size:.82rem}table.words.episodes td{min-width:0;white-space:nowrap}
table.words.episodes td:last-child{white-space:normal;min-width:min(420px,60vw)}
@media(max-width:640px){tbody th{white-space:normal;overflow-wrap:anywhere;min-width:104px}}
</style>"""

_SCRIPT = """<script>
for (const box of document.querySelectorAll('[data-frontier]')) box.addEventListener('change', event => {
  const every = [...box.querySelectorAll('fieldset input')];
  if ('all' in event.target.dataset) for (const input of every) input.checked = event.target.checked;
  const on = new Set(every.filter(input => input.checked).map(input => input.value));
  for (const group of box.querySelectorAll('[data-router]'))
    group.style.display = on.has(group.dataset.router) ? '' : 'none';
});
</script>"""


def html(summary: Summary, played: Mapping[Key, Played], questions: Sequence[Mapping[str, Any]]) -> str:
    sections = [
        _STYLE,
        _top(summary),
        page.section("Cost and quality", frontier(summary)),
        page.section(
            "Every router at every cost weight",
            by_weight(summary, "points", points_view),
            "".join(page.paragraph(note, "dim") for note in notes(summary)),
        ),
        page.section("Over all cost weights", worth_view(summary), page.paragraph(_WORTH, "dim")),
        *recovery_sections(summary),
        page.section("Who beats whom", page.paragraph(_PAIRS, "dim"), by_weight(summary, "pairs", pairs_view)),
        page.section("Quality by task", by_weight(summary, "tasks", tasks_view)),
        page.section("Where the traffic goes", page.paragraph(_TRAFFIC, "dim"), traffic_view(summary)),
        page.section("Calibration", calibration(summary)),
        page.section("Episodes", episodes_view(played, questions)),
        _SCRIPT,
    ]
    return page.page(f"{summary.name} · rl-router", sections)


def recovery_sections(summary: Summary) -> list[str]:
    """None unless there are two models."""
    if not summary.recoveries:
        return []
    return [page.section("How much of the strong model's lead", recovery_view(summary), page.paragraph(NOTE, "dim"))]


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


def _top(summary: Summary) -> str:
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
        f"<ul class='facts'>{items}</ul></header>"
    )
