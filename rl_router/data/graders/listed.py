"""Answers of several parts, as LiveBench has them (https://arxiv.org/abs/2406.19314): partly right counts partly.

`meta["form"]` says what the parts are:

    all       in their places, all or nothing                       yes, no, unknown
    places    in their places; the mean of the share that is right and of whether all are
    order     whole numbers in an order; 1 - edits / length of the longer list
    groups    groups of four, in any order and in any order within; the share that is right
    letter    one letter, which may be repeated                     CCCCC
    verbatim  the answer stands in the reply, line breaks aside
    mapping   a JSON object; F1 of its pairs
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

from rl_router.data.graders.final_answer import marked_answer, tagged, without_thoughts
from rl_router.types import Query

BOLD = re.compile(r"\*{2,3}([^*\n]{1,400})\*{2,3}")
REPEATED = re.compile(r"([A-Z])\1{3,}")
SPACES = re.compile(r"\s+")
GROUP = 4
LONGEST = 200
"""Parts of a list that are compared; a reply with more is no answer, and edits take quadratic time."""


def grade_listed(response: str, query: Query) -> float | None:
    """The score of a reply's parts in 0..1, None for a question without an answer or with a form unknown here."""
    compare = FORMS.get(str(query.meta.get("form")))
    if compare is None or not query.answers:
        return None
    if not response.strip():
        return 0.0
    scores = [compare(without_thoughts(response), answer) for answer in query.answers]
    return None if None in scores else max(score for score in scores if score is not None)


def solution(text: str) -> str:
    """What the last <solution> holds, else a marked answer, else the bold words of the last line that has any."""
    found = tagged(text, "<solution>", "</solution>")
    if found is not None:
        return found
    marked = marked_answer(text)
    if marked is not None:
        return marked
    lines = [line for line in text.splitlines() if line.strip()]
    bold = next((words for line in reversed(lines) if (words := BOLD.findall(line))), None)
    return ", ".join(bold) if bold else lines[-1] if lines else ""


def parts(text: str) -> list[str]:
    plain = (SPACES.sub(" ", part.replace("-", " ")).strip(" .*_`\"'[]()").lower() for part in text.split(","))
    return [part for part in plain if part]


def _all(reply: str, answer: str) -> float:
    return 1.0 if parts(solution(reply)) == parts(answer) else 0.0


def _places(reply: str, answer: str) -> float | None:
    given, wanted = parts(solution(reply)), parts(answer)
    if not wanted:
        return None
    share = sum(a == b for a, b in zip(given, wanted, strict=False)) / len(wanted)
    return (share + (given == wanted)) / 2


def _order(reply: str, answer: str) -> float | None:
    given, wanted = ([int(n) for n in re.findall(r"\d{1,6}", text)] for text in (solution(reply), answer))
    if not wanted:
        return None
    if not given or len(given) > LONGEST:
        return 0.0
    return 1.0 - _edits(given, wanted) / max(len(given), len(wanted))


def _groups(reply: str, answer: str) -> float | None:
    given, wanted = (
        [frozenset(words[i : i + GROUP]) for i in range(0, len(words), GROUP)]
        for words in (parts(solution(reply)), parts(answer))
    )
    return sum(group in given for group in wanted) / len(wanted) if wanted else None


def _letter(reply: str, answer: str) -> float:
    repeated = REPEATED.findall(reply)
    given = repeated[-1] if repeated else solution(reply).strip(" .()*").upper()
    return 1.0 if len(given) > 0 and set(given) == {answer.strip().upper()} else 0.0


def _verbatim(reply: str, answer: str) -> float:
    return 1.0 if SPACES.sub(" ", answer).strip() in SPACES.sub(" ", reply) else 0.0


def _mapping(reply: str, answer: str) -> float | None:
    wanted = _object(answer)
    if not wanted:
        return None
    given = _object(solution(reply)) or _object(reply)
    shared = sum(given.get(key) == value for key, value in wanted.items())
    return 2 * shared / (len(given) + len(wanted))


def _object(text: str) -> dict[str, str]:
    """The JSON object from the first brace to the last one."""
    try:
        value: Any = json.loads(text[text.find("{") : text.rfind("}") + 1])
    except (ValueError, RecursionError):
        return {}
    return {str(key): str(inner) for key, inner in value.items()} if isinstance(value, dict) else {}


def _edits(given: list[int], wanted: list[int]) -> int:
    """The least number of insertions, deletions and replacements (Levenshtein)."""
    row = list(range(len(wanted) + 1))
    for i, a in enumerate(given, start=1):
        before, row[0] = row[0], i
        for j, b in enumerate(wanted, start=1):
            before, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, before + (a != b))
    return row[-1]


FORMS: dict[str, Callable[[str, str], float | None]] = {
    "all": _all,
    "places": _places,
    "order": _order,
    "groups": _groups,
    "letter": _letter,
    "verbatim": _verbatim,
    "mapping": _mapping,
}
