"""What a model is asked when it shall split a question, and how its reply is read: a line per part.

    1. who is the author of silver river
    2. who is the rival of #1

`#1` stands for the reply to the first part. Where the model also says whom to ask, a line reads `1. [wiki] who is …`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

ASK = "Split the question into the fewest simple questions that lead to its answer, one per line, numbered."
REFER = "Write #1 for the answer to line 1, and so on. Leave a question that is simple as it is, as line 1."
CHOOSE = "Begin each line, after its number, with the model to ask, in brackets: the cheapest that can do it. Models:"
QUESTION = "Question:"
_LINE = re.compile(r"^\s*(\d+)[.)]\s*(?:\[([^\]\n]+)\]\s*)?(\S.*?)\s*$")
_REFERENCE = re.compile(r"#(\d+)")


@dataclass(frozen=True, kw_only=True, slots=True)
class Part:
    """One question of a decomposition. `model` is whom the decomposer would ask, '' where it was not asked that."""

    text: str
    model: str = ""

    @property
    def references(self) -> tuple[int, ...]:
        """The lines, counted from 1, whose answers it needs."""
        return tuple(int(number) for number in _REFERENCE.findall(self.text))

    def filled(self, answers: Sequence[str]) -> str:
        """With the answers to the lines before it in their places."""
        return _REFERENCE.sub(lambda match: answers[int(match[1]) - 1], self.text)


def split_prompt(question: str, models: Sequence[str] = ()) -> str:
    """`models` are lines that each begin with a model's name; with them the decomposer also says whom to ask."""
    choose = (CHOOSE, *(f"- {line}" for line in models)) if models else ()
    return "\n".join((ASK, REFER, *choose, f"{QUESTION} {question}"))


def asked_to_split(prompt: str) -> tuple[str, tuple[str, ...]] | None:
    """(question, lines of models) of a `split_prompt`, None for any other prompt."""
    lines = prompt.split("\n")
    if lines[0] != ASK or not lines[-1].startswith(QUESTION):
        return None
    return lines[-1].removeprefix(QUESTION).strip(), tuple(line[2:] for line in lines if line.startswith("- "))


def parts_of(reply: str, question: str, *, most: int) -> tuple[Part, ...]:
    """The parts that a reply lists. What cannot be followed (no line, too many, a reference to what is not before it)
    is the question itself, in one part."""
    found = [match for line in reply.split("\n") if (match := _LINE.match(line))]
    parts = tuple(Part(text=match[3], model=(match[2] or "").strip()) for match in found)
    numbered = [int(match[1]) for match in found] == list(range(1, len(found) + 1))
    backwards = all(0 < line <= place for place, part in enumerate(parts) for line in part.references)
    if not parts or len(parts) > most or not numbered or not backwards:
        return (Part(text=question),)
    return parts
