"""How a question of the embedded world reads: drawing one, parsing one, and the references that a small policy writes.

Everything here works on text alone. The kind and the difficulty of a question can be read from it: the number of terms
of a sum, the length of a list, one relation or two.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

from rl_router.data.world_words import BIRTHPLACE, BOOK_RELATIONS, LETTERS, PERSON_RELATIONS, THINGS, UNITS

MAX_DIFFICULTY = 3
LIST_LENGTHS = (3, 5, 7)
"""Letters of a list of difficulty 1, 2 and 3."""
LARGEST_NUMBER = 29

_PATTERNS = {
    "strings": re.compile(r"(?:repeat|say|write|print|echo) the word (\w+)"),
    "arithmetic": re.compile(r"(?:compute|calculate|what is) (\d{1,6}(?: [+-] \d{1,6})+)"),
    "units": re.compile(r"convert (?P<n>\d{1,6}) (?P<large>\w+) to (?P<small>\w+)"),
    "units_asked": re.compile(r"how many (?P<small>\w+) are in (?P<n>\d{1,6}) (?P<large>\w+)"),
    "lists": re.compile(r"(reverse|sort) the list ([a-z](?: [a-z])*)"),
    "two_hop": re.compile(r"(who is|what is|name|tell me) the (\w+) of the (\w+) of (\w+ \w+)"),
    "fact": re.compile(r"(?:who is|what is|name|tell me) the (\w+) of (\w+ \w+)"),
}

_TAG = re.compile(r"</?\w+>")


@dataclass(frozen=True, kw_only=True, slots=True)
class Parsed:
    """What a question asks. `parts` are the words that matter, in an order that depends on the task."""

    task: str
    difficulty: int
    parts: tuple[str, ...]


def parse(text: str) -> Parsed | None:
    """Any well-formed question, whether the world drew it or a router wrote it; None for anything else."""
    for name, pattern in _PATTERNS.items():
        match = pattern.fullmatch(text)
        if match is None:
            continue
        if name in ("units", "units_asked"):
            return Parsed(task="units", difficulty=1, parts=(match["n"], match["large"], match["small"]))
        if name == "arithmetic":
            terms = tuple(match[1].split(" "))
            return Parsed(task=name, difficulty=min(len(terms) // 2, MAX_DIFFICULTY), parts=terms)
        if name == "lists":
            letters = match[2].split(" ")
            longer = sum(len(letters) > length for length in LIST_LENGTHS[:-1])
            return Parsed(task=name, difficulty=1 + longer, parts=(match[1], *letters))
        return Parsed(task=name, difficulty=1, parts=match.groups())
    return None


def split(text: str) -> tuple[str, ...]:
    """The simple questions that lead to the answer, `#1` for the answer to the first: two for a two-hop question."""
    hops = _PATTERNS["two_hop"].fullmatch(text)
    if hops is None:
        return (text,)
    asked, outer, inner, book = hops.groups()
    return f"{_asked(inner)} the {inner} of {book}", f"{asked} the {outer} of #1"


def draw_text(task: str, difficulty: int, rng: Random, books: Sequence[str], people: Sequence[str]) -> str:
    """A random question of this kind about these books and people."""
    if task == "strings":
        return f"{rng.choice(('repeat', 'say', 'write', 'print', 'echo'))} the word {rng.choice(THINGS)}"
    if task == "arithmetic":
        return f"{rng.choice(('compute', 'calculate', 'what is'))} {_draw_sum(difficulty + 1, rng)}"
    if task == "units":
        large, small, _ = rng.choice(UNITS)
        n = rng.randint(2, 99)
        return rng.choice((f"convert {n} {large} to {small}", f"how many {small} are in {n} {large}"))
    if task == "lists":
        letters = rng.sample(LETTERS, LIST_LENGTHS[difficulty - 1])
        return f"{rng.choice(('reverse', 'sort'))} the list {' '.join(letters)}"
    if task == "fact" and rng.random() < 0.5:
        relation, entity = rng.choice(BOOK_RELATIONS), rng.choice(books)
    else:
        relation, entity = rng.choice((*PERSON_RELATIONS, BIRTHPLACE)), rng.choice(people)
    if task == "two_hop":
        entity = f"the {rng.choice(BOOK_RELATIONS)} of {rng.choice(books)}"
    return f"{rng.choice((_asked(relation), 'name', 'tell me'))} the {relation} of {entity}"


def _draw_sum(terms: int, rng: Random) -> str:
    while True:
        numbers = [rng.randint(1, LARGEST_NUMBER) for _ in range(terms)]
        signs = [rng.choice((1, -1)) for _ in numbers[1:]]
        if numbers[0] + sum(s * n for s, n in zip(signs, numbers[1:], strict=True)) >= 0:
            rest = (f"{'+' if s > 0 else '-'} {n}" for s, n in zip(signs, numbers[1:], strict=True))
            return " ".join([str(numbers[0]), *rest])


def _asked(relation: str) -> str:
    return "what is" if relation == BIRTHPLACE else "who is"


@dataclass(frozen=True)
class WorldReferences:
    """The words of `episode.task.References` for this world. A word that does not resolve stands for itself.

    Of the last reply they mean its first line without tags: what a policy that can copy would have copied.

    >>> WorldReferences().query("first", question="who is the rival of the author of silver river", last_reply=None)
    'who is the author of silver river'
    """

    def query(self, text: str, *, question: str, last_reply: str | None) -> str:
        if text in ("same", ""):
            return question
        hops = _PATTERNS["two_hop"].fullmatch(question)
        if hops is None:
            return text
        asked, outer, inner, book = hops.groups()
        if text == "first":
            return f"{asked if asked in ('name', 'tell me') else _asked(inner)} the {inner} of {book}"
        if text == "then" and last_reply is not None:
            return f"{asked} the {outer} of {_copied(last_reply)}"
        return text

    def answer(self, text: str, *, question: str, last_reply: str | None) -> str:
        if text == "it" and last_reply is not None:
            return _copied(last_reply)
        if text == "last" and question.split():
            return question.split()[-1]
        return text


def _copied(reply: str) -> str:
    return _TAG.sub("", reply.lstrip().partition("\n")[0]).strip()
