"""The shell of the report: one HTML file with its style and its few lines of script inside, and nothing to fetch."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from rl_router.observe.charts import escape
from rl_router.observe.looks import CHART_STYLE, DARK, LIGHT

_STYLE = (
    f":root{{color-scheme:light dark;{LIGHT}}}@media(prefers-color-scheme:dark){{:root{{{DARK}}}}}{CHART_STYLE}"
    + """
*{box-sizing:border-box}
body{margin:0;background:var(--paper);color:var(--ink);
font:15px/1.5 system-ui,-apple-system,'Segoe UI',Roboto,sans-serif}
main{max-width:1240px;margin:0 auto;padding:20px 16px 60px}
h1{font-size:1.15rem;margin:0;color:var(--dim);font-weight:600;overflow-wrap:anywhere}
h2{font-size:1.15rem;margin:44px 0 6px;padding-top:14px;border-top:1px solid var(--rule)}
h3{font-size:1rem;margin:18px 0 6px}
p{margin:6px 0;max-width:78ch}
.headline{font-size:1.35rem;line-height:1.35;font-weight:600;margin:10px 0 8px;max-width:60ch}
.dim,figcaption{color:var(--dim);font-size:.87rem;max-width:90ch}
figure{margin:12px 0}figure svg{display:block;width:100%;max-width:1060px}
.facts{display:flex;flex-wrap:wrap;gap:6px 28px;margin:14px 0 0;padding:0;list-style:none}.facts b{font-weight:600}
.contents{display:flex;flex-wrap:wrap;gap:4px 18px;margin:14px 0 0;font-size:.9rem}.contents a{color:var(--policy)}
.wide{display:block}.narrow{display:none}
.pair{display:grid;gap:8px 32px;align-items:start}.pair figure{margin:0}
@media(min-width:1100px){.pair{grid-template-columns:auto minmax(0,1fr)}}
@media(max-width:640px){.wide{display:none}.narrow{display:block}.headline{font-size:1.15rem}body{font-size:14px}
}
.grid{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,310px),1fr));gap:18px 22px}
.scroll{overflow-x:auto;max-width:100%;-webkit-overflow-scrolling:touch}
table{border-collapse:collapse;font-variant-numeric:tabular-nums;font-size:.9rem}
th,td{padding:5px 10px;text-align:right;white-space:nowrap;border-bottom:1px solid var(--rule);vertical-align:top}
th{font-weight:600}th:first-child,td:first-child{text-align:left;position:sticky;left:0;background:var(--paper)}
td small{display:block;color:var(--dim);font-size:.78rem;line-height:1.2}tr.mine td,tr.mine th{background:var(--panel)}
td.best small{font-weight:400}td.best{font-weight:700;box-shadow:inset 0 -2px var(--policy)}
.better{color:var(--cheapest)}.worse{color:var(--strongest)}
table.words td,table.words th{white-space:pre-wrap;text-align:left;max-width:none}
table.words td{overflow-wrap:anywhere;min-width:7em}table.words th{overflow-wrap:break-word}table.words{width:100%}
table.words td.money{white-space:nowrap;min-width:0}
table.words td:first-child,table.words th:first-child{position:static}
table.heat td{text-align:center;border:1px solid var(--paper);padding:7px 4px;min-width:52px}
table.heat th{border:0;text-align:center;vertical-align:bottom;white-space:normal;max-width:120px}
table.heat th:first-child{text-align:left;max-width:none}table.heat tbody th{vertical-align:middle;white-space:nowrap}
fieldset{border:0;margin:10px 0;padding:0;display:flex;flex-wrap:wrap;gap:6px;align-items:center}
legend{float:left;padding:0 6px 0 0}
label.pick input{position:absolute;opacity:0}
label.pick span{display:inline-block;padding:4px 12px;border:1px solid var(--rule);border-radius:99px;cursor:pointer}
label.pick input:checked+span{background:var(--policy);border-color:var(--policy);color:var(--paper);font-weight:600}
label.pick input:focus-visible+span{outline:2px solid var(--ink);outline-offset:2px}
article{border:1px solid var(--rule);border-radius:8px;padding:12px 14px;min-width:0}
article h3{margin:0 0 4px;overflow-wrap:anywhere}article p{overflow-wrap:anywhere}
.cards{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,420px),1fr));gap:16px;align-items:start}
pre{margin:8px 0;padding:10px;background:var(--panel);border-radius:6px;white-space:pre-wrap;overflow-wrap:anywhere;
font:12.5px/1.5 ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;
max-height:340px;overflow:auto;unicode-bidi:isolate}
.by-prompt{color:var(--dim)}.by-policy{color:var(--policy);font-weight:600}.by-reply{color:var(--policy_blind)}
details{margin:10px 0}summary{cursor:pointer;font-weight:600}
[hidden]{display:none}
@media(max-width:640px){
table{font-size:.78rem}th,td{padding:4px 3px}th,td small{white-space:normal}td small{font-size:.68rem}
tbody th{max-width:92px}table.words td{min-width:5em}table.heat td{min-width:42px}table.heat tbody th{max-width:none}
}
@media print{pre{max-height:none}details>*{display:block}}
"""
)

# shows the one panel that the checked buttons of its group name; without script all panels are there
_SCRIPT = """
for (const group of document.querySelectorAll('[data-group]')) {
  const show = () => {
    const picked = [...group.querySelectorAll('input:checked')].map(i => i.value).join('|');
    for (const panel of group.querySelectorAll('[data-panel]')) panel.hidden = panel.dataset.panel !== picked;
  };
  for (const set of group.querySelectorAll('fieldset')) set.hidden = false;
  group.addEventListener('change', show);
  show();
}
"""


def page(title: str, sections: Iterable[str]) -> str:
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>{escape(title)}</title><style>{_STYLE}</style></head>\n<body><main>\n"
        + "\n".join(section for section in sections if section)
        + f"\n</main><script>{_SCRIPT}</script></body></html>\n"
    )


def section(heading: str, *body: str) -> str:
    return f'<section id="{anchor(heading)}"><h2>{escape(heading)}</h2>{"".join(body)}</section>'


def anchor(heading: str) -> str:
    """The id of a section."""
    return re.sub(r"[^a-z0-9]+", "-", heading.lower()).strip("-")


def contents(headings: Iterable[str]) -> str:
    """Links to sections."""
    links = "".join(f'<a href="#{anchor(heading)}">{escape(heading)}</a>' for heading in headings)
    return f'<nav class="contents" aria-label="Contents">{links}</nav>'


def paragraph(words: str, kind: str = "") -> str:
    return f"<p{_class(kind)}>{escape(words)}</p>"


def table(head: Sequence[str], rows: Iterable[str], kind: str = "") -> str:
    """`head` is text, `rows` are finished `<tr>` elements. Wide tables scroll inside themselves."""
    titles = "".join(f'<th scope="col">{escape(word)}</th>' for word in head)
    top = f"<thead><tr>{titles}</tr></thead>" if head else ""
    return f'<div class="scroll"><table{_class(kind)}>{top}<tbody>{"".join(rows)}</tbody></table></div>'


def row(head: str, cells: Iterable[str], kind: str = "") -> str:
    """`head` is text, `cells` are finished `<td>` elements."""
    return f'<tr{_class(kind)}><th scope="row">{escape(head)}</th>{"".join(cells)}</tr>'


def cell(words: object, kind: str = "", notes: Iterable[tuple[str, str]] = ()) -> str:
    """Words and, in small type below them, notes as (text, class)."""
    small = "".join(f"<small{_class(note_kind)}>{escape(note)}</small>" for note, note_kind in notes)
    return f"<td{_class(kind)}>{escape(words)}{small}</td>"


def figure(body: str, caption: str = "") -> str:
    words = f"<figcaption>{escape(caption)}</figcaption>" if caption else ""
    return f"<figure>{body}{words}</figure>"


def folded(title: str, body: str) -> str:
    return f"<details><summary>{escape(title)}</summary>{body}</details>"


def buttons(name: str, title: str, choices: Sequence[tuple[str, str]], picked: str) -> str:
    """A row of radio buttons, hidden until the script that they need has run. `choices` are (value, label)."""
    made = "".join(
        f'<label class="pick"><input type="radio" name="{escape(name)}" value="{escape(value)}"'
        f"{' checked' if value == picked else ''}><span>{escape(label)}</span></label>"
        for value, label in choices
    )
    return f"<fieldset hidden><legend>{escape(title)}</legend>{made}</fieldset>"


def _class(kind: str) -> str:
    return f' class="{escape(kind)}"' if kind else ""
