"""A searchable list of episodes with every cost: a bounded sample, embedded as JSON and rendered as it is asked for."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from hashlib import blake2b
from typing import Any

import numpy as np

from rl_router.evaluation.report.summary import ORDER
from rl_router.evaluation.suite.lines import Key
from rl_router.evaluation.suite.played import Played
from rl_router.evaluation.suite.results import EACH_MODEL
from rl_router.observe import page
from rl_router.observe.charts import escape
from rl_router.observe.rollouts import shorten

MOST_EPISODES = 8_000
MOST_TEXT_BYTES = 1_000_000
QUESTION_CHARACTERS = 400
SHOWN = 100
HEAD = (
    "router", "λ", "task", "asked", "quality", "cost", "own cost", "tokens in", "tokens out", "seconds", "failed",
    "cut off", "question",
)  # fmt: skip
_NUMBERS = (
    "quality", "cost_usd", "router_usd", "prompt_tokens", "completion_tokens", "latency_s", "failed_calls", "truncated",
)  # fmt: skip


def episodes_view(played: Mapping[Key, Played], questions: Sequence[Mapping[str, Any]]) -> str:
    """All routers on a sample of the questions, drawn by a hash of their ids; the words say how many are left out."""
    parts = [part for (router, _), part in played.items() if router != EACH_MODEL]
    parts.sort(key=lambda part: part.router in ORDER)  # reference rows last
    texts = {str(q["query_id"]): str(q.get("text", "")) for q in questions}
    every = list(dict.fromkeys(query_id for part in parts for query_id in part.query_ids))
    sample = _sample(every, sum(len(part.cost_weights) for part in parts))
    data = _data(parts, sample, texts)
    shown, total = len(data["rows"]), sum(part.quality.size for part in parts)
    left = "" if shown == total else f" The other {total - shown:,} are in lines.jsonl."
    words = f"{shown:,} of {total:,} episodes: every router and λ on {len(sample):,} of {len(every):,} queries.{left}"
    encoded = json.dumps(data, ensure_ascii=False, separators=(",", ":")).replace("</", "<\\/")
    options = "".join(f'<option value="{i}">{escape(name)}</option>' for i, name in enumerate(data["routers"]))
    head = "".join(f'<th scope="col">{escape(word)}</th>' for word in HEAD)
    return (
        f"{page.paragraph(words, 'dim')}<div data-episodes>"
        f'<form class="search"><input type="search" placeholder="Search question, model, task, id …"'
        ' aria-label="Search">'
        f'<select aria-label="Router"><option value="">all routers</option>{options}</select>'
        '<select aria-label="Outcome"><option value="">right or wrong</option><option value="1">right</option>'
        '<option value="0">wrong</option></select><span class="dim" data-count></span></form>'
        f'<div class="scroll"><table class="words episodes"><thead><tr>{head}</tr></thead><tbody></tbody></table></div>'
        "<noscript><p>The list needs JavaScript.</p></noscript></div>"
        f'<script type="application/json" id="episode-data">{encoded}</script><script>{_SCRIPT}</script>'
    )


def _sample(query_ids: Sequence[str], settings: int) -> list[str]:
    ranked = sorted(query_ids, key=lambda query_id: blake2b(query_id.encode(), digest_size=8).digest())
    return ranked[: max(1, MOST_EPISODES // max(settings, 1))]


def _data(parts: Sequence[Played], sample: Sequence[str], texts: Mapping[str, str]) -> dict[str, Any]:
    """Columns once, rows as short lists: [query, router, λ, models, numbers …]."""
    limit = min(QUESTION_CHARACTERS, max(40, MOST_TEXT_BYTES // max(1, 4 * len(sample))))
    names = [f"{part.router}" + (f" (seed {part.seed})" if part.seed else "") for part in parts]
    models = list(dict.fromkeys(name for part in parts for name in part.calls.names))
    task_of = {q: task for part in parts for q, task in zip(part.query_ids, part.tasks, strict=True)}
    rows = []
    for r, part in enumerate(parts):
        place = {query_id: i for i, query_id in enumerate(part.query_ids)}
        starts = np.concatenate([[0], np.cumsum(part.calls.counts.ravel())])
        w = len(part.cost_weights)
        for q, query_id in enumerate(sample):
            if query_id not in place:
                continue
            i = place[query_id]
            for s, weight in enumerate(part.cost_weights):
                codes = part.calls.codes[starts[i * w + s] : starts[i * w + s + 1]]
                called = [models.index(part.calls.names[code]) for code in codes]
                rows.append([q, r, weight, called, *(_short(getattr(part, name)[s, i]) for name in _NUMBERS)])
    return {
        "queries": [[query_id, task_of[query_id], shorten(texts.get(query_id, ""), limit)] for query_id in sample],
        "routers": names,
        "models": models,
        "rows": rows,
    }


def _short(value: float) -> float | int | None:
    """Six digits are enough to read; None is unknown."""
    if not np.isfinite(value):
        return None
    rounded = float(f"{value:.6g}")
    return int(rounded) if rounded.is_integer() else rounded


_SCRIPT = f"""
(() => {{
  const data = JSON.parse(document.getElementById('episode-data').textContent);
  const box = document.querySelector('[data-episodes]'), body = box.querySelector('tbody');
  const heads = [...box.querySelectorAll('thead th')].map(head => head.textContent);
  const [search, router, outcome] = box.querySelectorAll('input,select');
  const digits = v => v < 1e-6 ? v.toExponential(2) : String(+v.toPrecision(3));
  const money = v => v === null ? '–' : v === 0 ? '$0' : '$' + digits(v);
  const known = v => v === null ? '–' : String(v);
  const words = data.rows.map(([q, r, l, m]) =>
    [...data.queries[q], data.routers[r], ...m.map(i => data.models[i])].join(' ').toLowerCase());
  const show = () => {{
    const wanted = search.value.toLowerCase().split(/\\s+/).filter(Boolean);
    const found = data.rows.filter((row, i) => (router.value === '' || row[1] === +router.value)
      && (outcome.value === '' || (row[4] !== null && (row[4] >= 0.5 ? '1' : '0') === outcome.value))
      && wanted.every(word => words[i].includes(word)));
    box.querySelector('[data-count]').textContent =
      found.length > {SHOWN} ? `first {SHOWN} of ${{found.length.toLocaleString('en')}}` : `${{found.length}} found`;
    body.replaceChildren(...found.slice(0, {SHOWN}).map(([q, r, l, m, quality, cost, own, i, o, s, failed, cut]) => {{
      const line = document.createElement('tr'), query = data.queries[q];
      const asked = m.length ? m.map(k => data.models[k]).join(' → ') : '(no model)';
      for (const text of [data.routers[r], l === null ? '–' : l, query[1], asked, known(quality), money(cost),
        money(own), known(i), known(o), known(s), known(failed), cut === null ? '–' : cut ? 'yes' : 'no', query[2]])
        Object.assign(line.insertCell(), {{textContent: text}}).dataset.name = heads[line.cells.length - 1];
      line.title = query[0];
      return line;
    }}));
  }};
  box.querySelector('form').addEventListener('submit', event => event.preventDefault());
  box.addEventListener('input', show);
  show();
}})();
"""
