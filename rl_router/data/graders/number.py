"""Numeric answers: $20.00 is 20, 1,234 is 1234, 1.8 is not 18, and an empty reply is wrong."""

from __future__ import annotations

import re
from fractions import Fraction

from rl_router.data.graders.final_answer import marked_answer, without_thoughts
from rl_router.types import Query

# A sign touches its number and follows no word or bracket: 5 - 3 and 1-2 hold no negative number.
NUMBER = re.compile(
    r"(?:(?<![\w)])[-−+])?(?:[$€£][-−]?)?(?<![\w.])(?:\d{1,3}(?:,\d{3})+(?!\d)(?:\.\d+)?|\d+(?:\.\d+)?|\.\d+)"
    r"(?:[eE][-+]?\d{1,3}(?!\w))?",
    re.ASCII,
)
LATEX = ((r"\\[dt]?frac\s*\{([^{}]*)\}\s*\{([^{}]*)\}", r"\1/\2"), (r"\\[dt]?frac\s*(\d)\s*(\d)", r"\1/\2"))
LATEX_MARKS = re.compile(r"\\[,!;:% $]|\\text(?:bf)?|\\(?:mathrm|left|right|displaystyle)|[{}]")
MAX_DIGITS = 60


def grade_number(response: str, query: Query) -> float | None:
    """1.0 when the reply's number equals an accepted one, exactly or to `meta["precision"]` decimals."""
    rights = [number for answer in query.answers if (number := first_number(answer)) is not None]
    if not rights:
        return None
    given = answered_number(response)
    decimals = query.meta.get("precision")
    return 1.0 if given is not None and any(_equal(given, right, decimals) for right in rights) else 0.0


def answered_number(response: str) -> Fraction | None:
    """The number of the marked answer, what follows its last `=`; without a mark, the last number of the reply."""
    marked = marked_answer(response)
    if marked is not None:
        for part in (marked.rpartition("=")[2], marked):
            if (number := first_number(part)) is not None:
                return number
    numbers = numbers_in(without_thoughts(response))
    return numbers[-1] if numbers else None


def first_number(text: str) -> Fraction | None:
    numbers = numbers_in(text)
    return numbers[0] if numbers else None


def numbers_in(text: str) -> list[Fraction]:
    r"""Every number, in order; `3/4` and `\frac34` are one."""
    for pattern, plain in LATEX:
        text = re.sub(pattern, plain, text)
    text = LATEX_MARKS.sub("", text)
    numbers: list[Fraction] = []
    end, over = -1, False
    for match in NUMBER.finditer(text):
        value = _value(match.group())
        if value is None:
            continue
        between = text[end : match.start()] if end >= 0 else ""
        if numbers and not over and between.strip() == "/" and value and "." not in match.group():
            numbers[-1] /= value
            over = True  # 1/2/3 is a date, not a quotient of quotients
        else:
            numbers.append(value)
            over = False
        end = match.end()
    return numbers


def _value(text: str) -> Fraction | None:
    plain = re.sub(r"[,$€£+\s]", "", text).replace("−", "-")
    try:
        return Fraction(plain) if 0 < len(plain) <= MAX_DIGITS else None
    except (ValueError, ZeroDivisionError):
        return None


def _equal(given: Fraction, right: Fraction, decimals: object) -> bool:
    if isinstance(decimals, int | float) and not isinstance(decimals, bool):
        return abs(given - right) <= Fraction(1, 2 * 10 ** min(max(int(decimals), 0), 30))
    return given == right
