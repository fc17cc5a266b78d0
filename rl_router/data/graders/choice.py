"""Multiple choice: which label does a reply choose? Labels are whatever the question shows, letters or digits."""

from __future__ import annotations

import re
from collections.abc import Mapping

from rl_router.data.graders.final_answer import marked_answer, unwrapped, without_thoughts
from rl_router.data.graders.text import normalize_answer
from rl_router.types import Query

# bounded, so that a hundred thousand asterisks cost no more than their length
OPEN, CLOSE = r"[(\[{<$*_`\"'\s]{0,6}", r"[)\]}>$*_`\"'\s]{0,6}"
NAMED = r"(?:option|choice|answer)?\s?"


def grade_choice(response: str, query: Query) -> float | None:
    """1.0 when the chosen label is a right one. A reply that chooses none, or several, is wrong."""
    if not query.answers:
        return None
    return 1.0 if chosen_label(response, query.choices) in query.answers else 0.0


def chosen_label(response: str, choices: Mapping[str, str]) -> str | None:
    """The label that `response` chooses: its marked answer, else what it says as a whole.

    Each is tried as a label (`B`, `(B)`, `B. text`, `option B`), then as the text of an option. At last a single label
    in parentheses or a single lone capital anywhere counts, if no other label is named that way.
    """
    marked = marked_answer(response)
    if marked is not None:
        found = _leading_label(marked, choices) or _option(marked, choices) or _only_label(marked, choices)
        if found is not None:
            return found
    text = unwrapped(without_thoughts(response))
    lines = [line for line in text.splitlines() if line.strip()]
    for part in (text, *lines[-1:], *lines[:1]):
        found = _whole_label(part, choices) or _option(part, choices)
        if found is not None:
            return found
    first = lines[0] if lines else ""
    return _labelled_text(first, choices) or _only_label(text, choices)


def _whole_label(text: str, choices: Mapping[str, str]) -> str | None:
    """`B`, `(B)`, `B.`, `**B**`, `Option B`, nothing else around it."""
    return _match(rf"{OPEN}{NAMED}{OPEN}(%s){CLOSE}[.:,;]?{CLOSE}", text, choices, whole=True)


def _leading_label(text: str, choices: Mapping[str, str]) -> str | None:
    """A marked answer that begins with a label: `B`, `(B) because`, `B. text`, `B, since`. `A cat` names no label."""
    end = rf"(?:{CLOSE}(?:$|[.:,;](?!\d)|[)\]}}\n–—-]|\s*(?:because|since|as|is|and not)\b)|[)\]}}*$])"
    return _match(rf"{OPEN}{NAMED}{OPEN}(%s){end}", text, choices, whole=False)


def _labelled_text(text: str, choices: Mapping[str, str]) -> str | None:
    """A first line that begins with a whole option, label and text: `B. Paris`, `(B) Paris, because …`."""
    pattern = rf"{OPEN}{NAMED}{OPEN}(%s){CLOSE}[.:)\]]\s*(?=\S)"
    label = _match(pattern, text, choices, whole=False)
    if label is None:
        return None
    rest = re.sub(pattern % _any_of(choices), "", text.strip(), count=1, flags=re.IGNORECASE)
    return label if f"{_plain(rest)} ".startswith(f"{_plain(choices[label])} ") else None


def _option(text: str, choices: Mapping[str, str]) -> str | None:
    """The only label whose text is `text`."""
    wanted = _plain(text)
    labels = [label for label, option in choices.items() if wanted and _plain(option) == wanted]
    return labels[0] if len(labels) == 1 else None


def _only_label(text: str, choices: Mapping[str, str]) -> str | None:
    """The one label that is named in parentheses; else the one that stands alone as a capital or a digit."""
    for pattern in (r"\((%s)\)", r"(?:option|choice)\s+(%s)\b", r"(?<![\w'’.,-])(%s)(?![\w'’-]|[.,]\w)"):
        labels = set(re.findall(pattern % _any_of(choices), text))
        if "A" in labels and pattern.startswith("(?<!"):
            labels -= {"A"} if re.search(r"\bA\s+[a-z]", text) else set()  # the article that begins a sentence
        if labels:
            return labels.pop() if len(labels) == 1 else None
    return None


def _match(pattern: str, text: str, choices: Mapping[str, str], *, whole: bool) -> str | None:
    compiled = re.compile(pattern % _any_of(choices), re.IGNORECASE)
    found = compiled.fullmatch(text.strip()) if whole else compiled.match(text.strip())
    if found is None:
        return None
    given = found.group(1)
    if given in choices:
        return given
    folded = [label for label in choices if label.casefold() == given.casefold()]
    return folded[0] if len(folded) == 1 else None


def _any_of(choices: Mapping[str, str]) -> str:
    longest_first = sorted(choices, key=len, reverse=True)
    return "|".join(re.escape(label) for label in longest_first) or r"(?!)"


def _plain(text: str) -> str:
    return normalize_answer(text) or text.strip()
