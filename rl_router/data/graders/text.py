"""Exact match and F1 after SQuAD's normalisation, which Router-R1 grades with too."""

from __future__ import annotations

import re
import string
from collections import Counter
from collections.abc import Sequence

ARTICLES = re.compile(r"\b(a|an|the)\b")
NUMBER = re.compile(r"[-+]?(\d+(\.\d*)?|\.\d+)", re.ASCII)
DROP_PUNCTUATION = str.maketrans("", "", string.punctuation)
VERDICTS = {"yes", "no", "noanswer"}


def normalize_answer(text: str) -> str:
    """Lower case, without punctuation, articles and surplus spaces (https://arxiv.org/abs/1606.05250)."""
    return " ".join(ARTICLES.sub(" ", text.lower().translate(DROP_PUNCTUATION)).split())


def exact_match(answer: str, answers: Sequence[str]) -> float | None:
    """1.0 when `answer` is one of `answers`, 0.0 when it is not, None when no answer is known to be right.

    Stricter than SQuAD in two places where its normalisation deletes the answer itself: -15 is not 15 (nor 4.5 is 45),
    and a right answer that is all punctuation, such as `[]`, is compared as it stands, spaces aside.
    """
    if not answers:
        return None
    return 1.0 if any(_same(answer, right) for right in answers) else 0.0


def f1(answer: str, answers: Sequence[str]) -> float | None:
    """The best F1 of words shared with one of `answers`; numbers and HotpotQA's yes and no are shared whole or not."""
    if not answers:
        return None
    return max(_f1(answer, right) for right in answers)


def _f1(answer: str, right: str) -> float:
    given, wanted = normalize_answer(answer), normalize_answer(right)
    whole = not wanted or (_number(answer) is not None and _number(right) is not None)
    if whole or (given in VERDICTS or wanted in VERDICTS):
        return 1.0 if _same(answer, right) else 0.0
    words, right_words = Counter(given.split()), Counter(wanted.split())
    shared = (words & right_words).total()
    return 2.0 * shared / (words.total() + right_words.total())


def _same(answer: str, right: str) -> bool:
    if answer == right:
        return True
    normal = normalize_answer(right)
    if not normal:
        return "".join(answer.split()) == "".join(right.split())
    if normalize_answer(answer) != normal:
        return False
    a, b = _number(answer), _number(right)
    return a is None or b is None or a == b


def _number(text: str) -> float | None:
    plain = text.strip().replace(",", "").lstrip("$").rstrip(".")
    return float(plain) if NUMBER.fullmatch(plain) else None
