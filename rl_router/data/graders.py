"""Is this answer right? Exact match after SQuAD's normalisation, which Router-R1 grades with too."""

from __future__ import annotations

import re
import string
from collections.abc import Sequence

ARTICLES = re.compile(r"\b(a|an|the)\b")
NUMBER = re.compile(r"[-+]?(\d+(\.\d*)?|\.\d+)", re.ASCII)
DROP_PUNCTUATION = str.maketrans("", "", string.punctuation)


def normalize_answer(text: str) -> str:
    """Lower case, without punctuation, articles and surplus spaces (https://arxiv.org/abs/1606.05250)."""
    return " ".join(ARTICLES.sub(" ", text.lower().translate(DROP_PUNCTUATION)).split())


def exact_match(answer: str, answers: Sequence[str]) -> float | None:
    """1.0 when `answer` is one of `answers`, 0.0 when it is not, None when no answer is known to be right.

    Stricter than SQuAD in two places where its normalisation deletes the answer itself: -15 is not 15 (nor 4.5 is 45),
    and a right answer that is all punctuation, such as `[]`, is compared as it stands.
    """
    if not answers:
        return None
    return 1.0 if any(_same(answer, right) for right in answers) else 0.0


def _same(answer: str, right: str) -> bool:
    normal = normalize_answer(right)
    if not normal:
        return answer.strip() == right.strip()
    if normalize_answer(answer) != normal:
        return False
    a, b = _number(answer), _number(right)
    return a is None or b is None or a == b


def _number(text: str) -> float | None:
    plain = text.strip().replace(",", "").lstrip("$").rstrip(".")
    return float(plain) if NUMBER.fullmatch(plain) else None
