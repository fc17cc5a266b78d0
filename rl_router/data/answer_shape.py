"""What an answer looks like, whatever it says: eight numbers that people's tastes are about."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

SHAPES = ("length", "lines", "lists", "emphasis", "headings", "formulas", "code", "digits")
_LISTS = re.compile(r"^\s*(?:[-*+•]|\d+[.)])\s", re.MULTILINE)
_HEADINGS = re.compile(r"^\s*#{1,6}\s", re.MULTILINE)
_FORMULAS = re.compile(r"\\\(|\\\[|\$|\\frac|\\boxed")


def answer_shapes(texts: Sequence[str]) -> np.ndarray:
    """[n, 8] in the order of `SHAPES`: logarithms of 1 + counts, so that twice as much is the same step everywhere."""
    counts = [
        (
            len(text),
            text.count("\n"),
            len(_LISTS.findall(text)),
            text.count("**") // 2,
            len(_HEADINGS.findall(text)),
            len(_FORMULAS.findall(text)),
            text.count("```") + text.count("`") // 2,
            sum(map(str.isdigit, text)),
        )
        for text in texts
    ]
    return np.log1p(np.array(counts, dtype=np.float64).reshape(len(texts), len(SHAPES)))
