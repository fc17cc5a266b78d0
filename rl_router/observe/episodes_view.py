"""Six episodes to read: three of the best and three of the worst, as varied as they can be."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from rl_router.observe import page
from rl_router.observe.charts import escape
from rl_router.observe.formats import MISSING, count, setting, usd
from rl_router.observe.rollouts import shorten

Record = Mapping[str, Any]
SHOWN_CHARACTERS = 4_000
LINE_CHARACTERS = 600
NAME_CHARACTERS = 60


def choose_episodes(records: Sequence[Record], each: int = 3) -> list[tuple[str, Record]]:
    """`each` of the best, then `each` of the worst, from the last quarter of the recorded steps."""
    scored = [record for record in records if record.get("total_reward") is not None]
    steps = sorted({record.get("step", 0) for record in scored})
    late = set(steps[-max(1, len(steps) // 4) :])
    recent = [record for record in scored if record.get("step", 0) in late]
    best = _varied(sorted(recent, key=lambda r: -r["total_reward"]), each)
    rest = [record for record in recent if not any(record is chosen for chosen in best)]
    worst = _varied(sorted(rest, key=lambda r: r["total_reward"]), each)
    return [("best", record) for record in best] + [("worst", record) for record in worst]


def episode_cards(records: Sequence[Record]) -> str:
    return f'<div class="cards">{"".join(_card(rank, record) for rank, record in choose_episodes(records))}</div>'


def _varied(ranked: Sequence[Record], most: int) -> list[Record]:
    """The first of `ranked`, then from its best third whatever brings a new question, kind or cost weight."""
    left = list(ranked[: max(most, len(ranked) // 3)])
    chosen: list[Record] = []
    seen: Counter[tuple[str, Any]] = Counter()
    while left and len(chosen) < most:
        fresh = min(left, key=lambda r: sum(seen[key] for key in _kinds(r)))  # the first among equals: the best ranked
        left.remove(fresh)
        chosen.append(fresh)
        seen.update(_kinds(fresh))
    return chosen


def _kinds(record: Record) -> list[tuple[str, Any]]:
    return [(name, record.get(name)) for name in ("question", "task", "cost_weight")]


def _card(rank: str, record: Record) -> str:
    facts = [
        f"reward {count(record['total_reward'])}",
        f"quality {count(record.get('quality'))}",
        f"cost {usd(record.get('cost_usd'))}",
        f"stop: {record.get('stop', MISSING)}",
        "" if record.get("format_ok", True) else "format broken",
    ]
    title = f"{rank}: {record.get('task', '')} at {setting(record.get('cost_weight'))}"
    step = f", step {record['step']}" if "step" in record else ""
    terms = ", ".join(f"{name} {count(value)}" for name, value in (record.get("reward") or {}).items())
    question = shorten(str(record.get("question", "")), LINE_CHARACTERS)
    answer = record.get("answer")
    said = MISSING if answer is None else shorten(str(answer), LINE_CHARACTERS)
    expected = shorten(" or ".join(str(a) for a in record.get("answers", [])[:4]), LINE_CHARACTERS)
    return (
        f"<article><h3>{escape(title)}<span class='dim'>{escape(step)}</span></h3>"
        + page.paragraph(" · ".join(fact for fact in facts if fact), "dim")
        + f"<p><b>Question</b> {escape(question)}</p>"
        + f"<pre>{transcript(record)}</pre>"
        + _calls(record.get("calls") or [])
        + f"<p><b>Answer</b> {escape(said)} <span class='dim'>(expected: {escape(expected)})</span></p>"
        + (page.paragraph(f"Reward terms: {terms}", "dim") if terms else "")
        + "</article>"
    )


def transcript(record: Record) -> str:
    """The conversation with each author's words in their own colour, as HTML."""
    text, at, parts = str(record.get("transcript", "")), 0, []
    for span in record.get("spans", []):
        words = text[at : at + span["characters"]]
        at += span["characters"]
        parts.append(f'<span class="by-{escape(span["source"])}">{escape(shorten(words, SHOWN_CHARACTERS))}</span>')
    return "".join(parts) + escape(shorten(text[at:], SHOWN_CHARACTERS))


def _calls(calls: Sequence[Record]) -> str:
    if not calls:
        return page.paragraph("No model was called.", "dim")
    rows = []
    for call in calls:
        status = "" if call.get("status", "ok") == "ok" else f"[{call['status']}] "
        reply = status + shorten(str(call.get("reply", "")), LINE_CHARACTERS)
        asked = shorten(str(call.get("query", "")), LINE_CHARACTERS)
        money = page.cell(usd(call.get("cost_usd")), "money")
        rows.append(page.row(shorten(str(call["model"]), NAME_CHARACTERS), [page.cell(asked), page.cell(reply), money]))
    return page.table(["model", "asked", "replied", "cost"], rows, "words")
