"""Is a set of questions sound? Its own answers score 1.0, ids are unique, and no question is in train and in a test."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from rl_router.data.graders.grader import GRADERS, grade
from rl_router.data.graders.text import normalize_answer
from rl_router.types import Query


@dataclass(frozen=True, kw_only=True, slots=True)
class Fault:
    """One thing that is wrong with one question."""

    query_id: str
    what: str


def validate(queries: Sequence[Query], checked: Callable[[int], None] = lambda count: None) -> list[Fault]:
    """Every fault, none when all is well. `checked` is told how many questions have been graded against themselves."""
    faults = validate_shape(queries)
    for count, query in enumerate(queries, start=1):
        faults += gold_faults(query)
        checked(count)
    return faults


def validate_shape(queries: Sequence[Query]) -> list[Fault]:
    """The faults that show without grading anything."""
    return [*repeated_ids(queries), *leaked(queries), *hidden_choices(queries)]


def repeated_ids(queries: Sequence[Query]) -> Iterator[Fault]:
    seen: set[str] = set()
    for query in queries:
        if query.query_id in seen:
            yield Fault(query_id=query.query_id, what="its id is another question's too")
        seen.add(query.query_id)


def leaked(queries: Sequence[Query]) -> Iterator[Fault]:
    """Training questions that are also held out, wording and options the same up to case, articles and punctuation."""
    held_out = {fingerprint(query): query.query_id for query in queries if query.split != "train"}
    for query in queries:
        other = held_out.get(fingerprint(query)) if query.split == "train" else None
        if other is not None:
            yield Fault(query_id=query.query_id, what=f"the held-out question {other} is the same")


def hidden_choices(queries: Sequence[Query]) -> Iterator[Fault]:
    for query in queries:
        hidden = [label for label, text in query.choices.items() if text not in query.text]
        if hidden:
            yield Fault(query_id=query.query_id, what=f"the prompt does not show option {', '.join(hidden)}")


def gold_faults(query: Query) -> Iterator[Fault]:
    """Right answers that the question's own grader does not give 1.0."""
    for response in GRADERS.get(query.grader).gold(query):
        score = grade(query.grader, response, query)
        if score != 1.0:
            shown = response if len(response) <= 60 else f"{response[:60]}…"
            what = f"the grader {query.grader!r} gives {score} to its own answer {shown!r}"
            yield Fault(query_id=query.query_id, what=what)


def fingerprint(query: Query) -> tuple[str, tuple[str, ...]]:
    """The same for two questions that ask the same thing: wording and images."""
    return normalize_answer(query.text), tuple(query.meta.get("images") or ())
