"""The embedded world: a generated knowledge base and short questions with answers that can be checked.

Training, validation and test share no person, no book and no question text, and a person of one split is related only
to people of that split. Nothing is downloaded, and one seed gives the same world in every process.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from hashlib import blake2b
from random import Random

from rl_router.data.world_grammar import Parsed, WorldReferences, draw_text, parse
from rl_router.data.world_words import (
    ADJECTIVES,
    BIRTHPLACE,
    BOOK_RELATIONS,
    CITIES,
    FIRST_NAMES,
    LAST_NAMES,
    NOUNS,
    PERSON_RELATIONS,
    THINGS,
    UNITS,
)
from rl_router.errors import RecipeError
from rl_router.types import Query

__all__ = ["MIX", "SPLITS", "TASKS", "UNSURE", "Solution", "World", "WorldReferences", "fraction"]

UNSURE = "not sure"
"""What a simulated model says when it knows that it does not know."""

SPLITS = ("train", "val", "test")
TASKS = ("arithmetic", "units", "lists", "strings", "fact", "two_hop")
MIX: Mapping[tuple[str, int], float] = {
    ("strings", 1): 0.12,
    ("arithmetic", 1): 0.04,
    ("arithmetic", 2): 0.11,
    ("arithmetic", 3): 0.11,
    ("units", 1): 0.12,
    ("lists", 1): 0.04,
    ("lists", 2): 0.09,
    ("lists", 3): 0.10,
    ("fact", 1): 0.11,
    ("two_hop", 1): 0.16,
}
"""The share of each (task, difficulty) among the questions."""

BOOKS, PEOPLE = 400, 300
TEST_SHARE, VAL_SHARE = 0.2, 0.1
DRAWS_PER_QUESTION = 200
"""Attempts at a question not yet drawn, before a small kind (as the strings) may repeat itself."""


def fraction(*words: object) -> float:
    """A number in [0, 1) that depends on nothing but these words: the same in every process and on every machine."""
    digest = blake2b("|".join(map(str, words)).encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") / 2**64


@dataclass(frozen=True, kw_only=True, slots=True)
class Solution:
    """What a question is about and its answer."""

    task: str
    difficulty: int
    answer: str


class World:
    """People, books and who is whose what. `people` and `books` map a split to its names."""

    def __init__(self, seed: int = 0) -> None:
        self.seed = seed
        rng = Random(f"world {seed}")
        books = [f"{adjective} {noun}" for adjective in ADJECTIVES for noun in NOUNS]
        people = [f"{first} {last}" for first in FIRST_NAMES for last in LAST_NAMES]
        self.books = _split(rng.sample(books, BOOKS))
        self.people = _split(rng.sample(people, PEOPLE))
        self._facts = {(r, entity): value for r, entity, value in self._draw_facts(rng)}

    def _draw_facts(self, rng: Random) -> Iterator[tuple[str, str, str]]:
        for split in SPLITS:
            people = self.people[split]
            for book in self.books[split]:
                yield from ((relation, book, rng.choice(people)) for relation in BOOK_RELATIONS)
            for person in people:
                others = [p for p in people if p != person]
                yield from ((relation, person, rng.choice(others)) for relation in PERSON_RELATIONS)
                yield BIRTHPLACE, person, rng.choice(CITIES)

    def solve(self, text: str) -> Solution | None:
        """The answer of any well-formed question, a router's own sub-question included; None if it makes no sense."""
        parsed = parse(text)
        answer = None if parsed is None else self._answer(parsed)
        if parsed is None or answer is None:
            return None
        return Solution(task=parsed.task, difficulty=parsed.difficulty, answer=answer)

    def _answer(self, parsed: Parsed) -> str | None:
        parts = parsed.parts
        match parsed.task:
            case "strings":
                return parts[0]
            case "arithmetic":
                signs = ["+", *parts[1::2]]
                return str(sum(int(n) if s == "+" else -int(n) for s, n in zip(signs, parts[::2], strict=True)))
            case "units":
                sizes = {(large, small): size for large, small, size in UNITS}
                size = sizes.get((parts[1], parts[2]))
                return None if size is None else str(int(parts[0]) * size)
            case "lists":
                return " ".join(parts[:0:-1] if parts[0] == "reverse" else sorted(parts[1:]))
            case "fact":
                return self._facts.get((parts[0], parts[1]))
            case _:
                _, outer, inner, book = parts
                return self._facts.get((outer, self._facts.get((inner, book), "")))

    def wrong_answer(self, solution: Solution, chance: float) -> str:
        """A plausible wrong answer, chosen by `chance` in [0, 1)."""
        answer = solution.answer
        if solution.task in ("arithmetic", "units"):
            return str(int(answer) + (-10, -3, -2, -1, 1, 2, 3, 10)[int(chance * 8)])
        if solution.task == "lists":
            letters = answer.split()
            turned = " ".join(letters[1:] + letters[:1])
            return turned if turned != answer else f"{answer} {letters[0]}"
        if solution.task == "strings":
            others = [w for w in THINGS if w != answer]
        elif answer in CITIES:
            others = [c for c in CITIES if c != answer]
        else:
            split = next(s for s in SPLITS if answer in self.people[s])
            others = [p for p in self.people[split] if p != answer]
        return others[int(chance * len(others))]

    def questions(
        self,
        split: str,
        n: int,
        seed: int = 0,
        *,
        tasks: tuple[str, ...] | None = None,
        two_hop_share: float | None = None,
    ) -> list[Query]:
        """`n` questions in a random order, whose kinds have exactly the shares of MIX (rounded)."""
        rng = Random(f"{self.seed} {split} {seed}")
        kinds = [kind for kind, count in _quotas(_shares(tasks, two_hop_share), n).items() for _ in range(count)]
        rng.shuffle(kinds)
        seen: set[str] = set()
        queries = []
        for i, (task, difficulty) in enumerate(kinds):
            text = self._draw(split, task, difficulty, rng, seen)
            seen.add(text)
            solution = self.solve(text)
            assert solution is not None, text
            queries.append(
                Query(
                    query_id=f"world{self.seed}-{split}{seed}-{i:05d}",
                    text=text,
                    answers=(solution.answer,),
                    task=task,
                    split=split,
                    difficulty=difficulty,
                    dataset="world",
                )
            )
        return queries

    def _draw(self, split: str, task: str, difficulty: int, rng: Random, seen: set[str]) -> str:
        """A text of this split, if possible one that is not in `seen`."""
        text = ""
        for _ in range(DRAWS_PER_QUESTION):
            drawn = draw_text(task, difficulty, rng, self.books[split], self.people[split])
            if split_of(drawn, task) in (split, None):
                text = drawn
                if text not in seen:
                    break
        return text


def split_of(text: str, task: str) -> str | None:
    """The one split in which a text may be drawn. None for facts: their split follows from their book or person."""
    if task in ("fact", "two_hop"):
        return None
    place = fraction("split", text)
    if place < TEST_SHARE:
        return "test"
    return "val" if place < TEST_SHARE + VAL_SHARE else "train"


def _split(names: list[str]) -> dict[str, list[str]]:
    test, val = round(len(names) * TEST_SHARE), round(len(names) * VAL_SHARE)
    return {"test": names[:test], "val": names[test : test + val], "train": names[test + val :]}


def _shares(tasks: tuple[str, ...] | None, two_hop_share: float | None) -> dict[tuple[str, int], float]:
    unknown = sorted(set(tasks or ()) - set(TASKS))
    if unknown:
        raise RecipeError(f"The world has no task {unknown[0]!r}; choose from {', '.join(TASKS)}.")
    if two_hop_share is not None and not 0 <= two_hop_share <= 1:
        raise RecipeError(f"two_hop_share is {two_hop_share}; it is a share of the questions, from 0 to 1.")
    shares = {kind: share for kind, share in MIX.items() if tasks is None or kind[0] in tasks}
    if not shares:
        raise RecipeError(f"A world needs at least one task; choose from {', '.join(TASKS)}.")
    if two_hop_share is not None:
        if ("two_hop", 1) not in shares:
            raise RecipeError(
                "two_hop_share is set, but two_hop is not among the tasks; add it or leave the share out."
            )
        rest = {kind: share for kind, share in shares.items() if kind[0] != "two_hop"}
        scale = (1 - two_hop_share) / (sum(rest.values()) or 1.0)
        shares = {kind: share * scale for kind, share in rest.items()} | {("two_hop", 1): two_hop_share}
    total = sum(shares.values())
    if total == 0:
        raise RecipeError("two_hop_share is 0 and two_hop is the only task, so no question is left; name more tasks.")
    return {kind: share / total for kind, share in shares.items()}


def _quotas(shares: Mapping[tuple[str, int], float], n: int) -> dict[tuple[str, int], int]:
    """Whole numbers that sum to `n` (largest remainders)."""
    counts = {kind: int(share * n) for kind, share in shares.items()}
    by_remainder = sorted(shares, key=lambda kind: (counts[kind] - shares[kind] * n, kind))
    for kind in by_remainder[: n - sum(counts.values())]:
        counts[kind] += 1
    return counts
