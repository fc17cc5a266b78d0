"""Which questions a prompt set asks: read from each source, filtered, then drawn. Whatever is left out is counted.

A question is its data set and its id; two with one text (the same words under two figures) are two questions.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from rl_router.data.checks.splits import FIT_NAMES
from rl_router.data.queries import IMAGES, read_queries
from rl_router.data.table import RoutingTable
from rl_router.errors import DataError
from rl_router.pipeline.rl_prompts.chance import shuffled
from rl_router.pipeline.rl_prompts.job import Difficulty, PromptsJob, Source
from rl_router.types import Query


@dataclass(frozen=True, kw_only=True)
class Question:
    """`pass_rate` is None where no model was graded on it."""

    query: Query
    source: str
    pass_rate: float | None = None

    @property
    def identity(self) -> str:
        """What tells it apart from any other: every choice that is drawn for it hangs on this."""
        return json.dumps([self.query.dataset, self.query.query_id])


@dataclass
class Count:
    """What became of one source's questions, for generation.yaml."""

    read: int = 0
    held_out: int = 0
    """In the test split of the same file too, so that learning from them would spoil the test."""
    repeated: int = 0
    """Read before, from this source or another: the same data set and id."""
    same_wording: int = 0
    """Under another id, but with the same text and images as one that is kept."""
    without_pass_rate: int = 0
    too_hard: int = 0
    too_easy: int = 0
    too_long: int = 0
    not_drawn: int = 0
    kept: int = 0


def read_questions(job: PromptsJob) -> tuple[list[Question], dict[str, Count]]:
    """The questions of every source that pass the filters, each once, in the order of their hashed identities."""
    counts = {name: Count() for name in job.sources}
    seen: set[object] = set()
    kept: list[Question] = []
    for name, source in job.sources.items():
        count = counts[name]
        fresh = _fresh(_read(name, source, job.difficulty, count), seen, count)
        fitting = _short_enough(_of_difficulty(fresh, job.difficulty, count), job, count)
        order = shuffled(((q.identity, q) for q in fitting), job.seed, "question")
        drawn = order if source.n is None else order[: source.n]
        count.not_drawn, count.kept = len(order) - len(drawn), len(drawn)
        kept += drawn
    if not kept:
        raise DataError("No question is left after the filters; widen difficulty or max_question_tokens.")
    return shuffled(((q.identity, q) for q in kept), job.seed, "order"), counts


def _read(name: str, source: Source, difficulty: Difficulty | None, count: Count) -> list[Question]:
    if source.table is not None:
        table = RoutingTable.read(source.table)
        everything = table.queries()
        asked = [query for query in everything if query.split == source.split]
        rates = _pass_rates(table, asked, difficulty)
    else:
        assert source.queries is not None, "a source has a table or a queries file"
        everything = read_queries(source.queries)
        asked = [query for query in everything if query.split == source.split]
        rates = [None] * len(asked)
    wanted = [
        (query, rate)
        for query, rate in zip(asked, rates, strict=True)
        if (source.datasets is None or query.dataset in source.datasets)
        and (source.tasks is None or query.task in source.tasks)
    ]
    if not wanted:
        where = source.table or source.queries
        raise DataError(f"Source {name!r} has no question of split {source.split!r} in {where} that it asks for.")
    held_out = {wording(query) for query in everything if query.split not in (*FIT_NAMES, source.split)}
    kept = [(query, rate) for query, rate in wanted if wording(query) not in held_out]
    count.read, count.held_out = len(wanted), len(wanted) - len(kept)
    return [Question(query=_asked(query, source), source=name, pass_rate=rate) for query, rate in kept]


def _fresh(questions: list[Question], seen: set[object], count: Count) -> list[Question]:
    """Those that were not `seen`; `seen` grows by them."""
    fresh = []
    for question in questions:
        if question.identity in seen:
            count.repeated += 1
        elif wording(question.query) in seen:
            count.same_wording += 1
        else:
            seen |= {question.identity, wording(question.query)}
            fresh.append(question)
    return fresh


def wording(query: Query) -> tuple[str, tuple[str, ...]]:
    """What a model sees of a question."""
    return query.text, tuple(query.meta.get(IMAGES) or ())


def _asked(query: Query, source: Source) -> Query:
    text = query.text.strip()
    if source.end_with_question_mark and not text.endswith("?"):
        text += "?"
    return replace(query, text=text)


def _pass_rates(table: RoutingTable, queries: list[Query], difficulty: Difficulty | None) -> list[float | None]:
    """[n] the mean known score of each question."""
    models = difficulty.models if difficulty else None
    scores = table.matrix("score", [query.query_id for query in queries], models)  # [n, m]
    known = (~np.isnan(scores)).sum(axis=1)
    return [float(total / n) if n else None for total, n in zip(np.nansum(scores, axis=1), known, strict=True)]


def _of_difficulty(questions: list[Question], difficulty: Difficulty | None, count: Count) -> list[Question]:
    if difficulty is None:
        return questions
    rated = [q for q in questions if q.pass_rate is not None]
    count.without_pass_rate = len(questions) - len(rated)
    hard = [q for q in rated if q.pass_rate is not None and q.pass_rate < difficulty.min_pass_rate]
    easy = [q for q in rated if q.pass_rate is not None and q.pass_rate > difficulty.max_pass_rate]
    count.too_hard, count.too_easy = len(hard), len(easy)
    left_out = {q.identity for q in (*hard, *easy)}
    return [q for q in rated if q.identity not in left_out]


def _short_enough(questions: list[Question], job: PromptsJob, count: Count) -> list[Question]:
    if job.max_question_tokens is None or job.tokenizer is None:
        return questions
    lengths = token_counts((q.query.text for q in questions), job.tokenizer)
    kept = [q for q, n in zip(questions, lengths, strict=True) if n <= job.max_question_tokens]
    count.too_long = len(questions) - len(kept)
    return kept


def token_counts(texts: Iterable[str], tokenizer: str) -> list[int]:
    """Tokens of each text, without what a chat template adds."""
    from tokenizers import Tokenizer

    from rl_router.encoders.folders import model_folder

    path = Path(tokenizer).expanduser()
    path = path if path.is_file() else model_folder(tokenizer, kind="tokenizer") / "tokenizer.json"
    try:
        loaded = Tokenizer.from_file(str(path))
    except Exception as error:  # the Rust library raises plain Exceptions
        raise DataError(f"{path} holds no tokenizer ({' '.join(str(error).split())}); name its folder.") from None
    loaded.no_truncation()
    return [len(encoding.ids) for encoding in loaded.encode_batch_fast(list(texts), add_special_tokens=False)]
