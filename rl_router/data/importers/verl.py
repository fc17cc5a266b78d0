"""verl's prompt parquet, as xRouter, Reasoning360 and Router-R1 write it: a table where it records models' pass rates.

Columns: data_source, prompt (chat messages), ability, reward_model {style, ground_truth}, extra_info, and per model
`MODEL_pass_rate` beside them or inside extra_info. The routing instructions that xRouter puts around a question are
taken off again; its repetitions of one question become one query.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from rl_router.data.importers.sources import answers_text, files_in, literal, number, split_of, table_of
from rl_router.data.parquet import read_parquet
from rl_router.data.queries import QUERY_SCHEMA, parse_answers, row_of
from rl_router.data.table import RoutingTable
from rl_router.errors import DataError
from rl_router.types import Query

PASS_RATE = "_pass_rate"
USER_SYSTEM, USER_QUERY = "USER SYSTEM: \n", "USER QUERY: \n"
"""xRouter's marks of the user's own system prompt and question below its routing instructions."""


def read_table(paths: Sequence[Path]) -> RoutingTable:
    rows = [
        _row(query, model, rate)
        for query, record in _questions(paths)
        for model, rate in _pass_rates(record).items()
        if rate is not None
    ]
    if not rows:
        raise DataError(
            f"{paths[0]} records no pass rate of any model (columns MODEL{PASS_RATE}), so there is nothing to route "
            f"by; import its questions with --queries and ask your own models."
        )
    return table_of(rows, f"verl data {paths[0]}", QUERY_SCHEMA)


def read_prompt_queries(paths: Sequence[Path]) -> list[Query]:
    """The questions alone, each once."""
    return [query for query, _ in _questions(paths)]


def question_text(messages: Sequence[Mapping[str, Any]]) -> str:
    """What the user asks: the user's own system prompt, if any, above the question."""
    return "\n\n".join(part for part in question_parts(messages) if part)


def question_parts(messages: Sequence[Mapping[str, Any]]) -> tuple[str, str]:
    """The user's own system prompt ('' for none) and the question."""
    system = [str(m["content"]) for m in messages if m["role"] == "system"]
    first, *rest = [str(m["content"]) for m in messages if m["role"] != "system"] or [""]
    if first.startswith(USER_SYSTEM):
        own, _, first = first.removeprefix(USER_SYSTEM).partition(f"\n{USER_QUERY}")
        system = [own]
    elif first.startswith(USER_QUERY):
        first, system = first.removeprefix(USER_QUERY), []
    return "\n\n".join(system).strip(), "\n\n".join([first, *rest]).strip()


def _questions(paths: Sequence[Path]) -> Iterator[tuple[Query, dict[str, Any]]]:
    seen: set[tuple[str, str]] = set()
    ids: set[str] = set()
    for file in files_in(paths, (".parquet",), "prompt files of verl"):
        frame = read_parquet(file, "prompt file")
        missing = [column for column in ("data_source", "prompt", "reward_model") if column not in frame.columns]
        if missing:
            raise DataError(f"{file} lacks {', '.join(missing)}; a prompt file of verl has them.")
        for i, record in enumerate(frame.iter_rows(named=True)):
            query = _query(record, i, file)
            if (query.split, query.text) not in seen:
                seen.add((query.split, query.text))
                if query.query_id in ids:  # two files may count their rows alike
                    query = replace(query, query_id=f"{query.query_id}#{len(ids)}")
                ids.add(query.query_id)
                yield query, record


def _query(record: Mapping[str, Any], i: int, file: Path) -> Query:
    extra, reward = _mapping(record.get("extra_info")), _mapping(record["reward_model"])
    split = str(extra.get("split") or split_of(file))
    source, place = str(record["data_source"]), extra.get("index", record.get("id"))
    truth = answers_text(reward.get("ground_truth"))
    try:
        system, user = question_parts(record["prompt"])
    except (TypeError, KeyError):
        raise DataError(f"Row {i} of {file} has no chat messages (role, content) in 'prompt'.") from None
    return Query(
        query_id=f"{source}/{split}/{i if place is None else place}",
        text=f"{system}\n\n{user}" if system else user,
        answers=() if truth is None else parse_answers(truth),
        task=source,
        split=split,
        dataset=source,
        meta={"system": system, "user": user} if system else {},
    )


def _pass_rates(record: Mapping[str, Any]) -> dict[str, float | None]:
    cells = {**_mapping(record.get("extra_info")), **record}
    return {key.removesuffix(PASS_RATE): number(rate) for key, rate in cells.items() if key.endswith(PASS_RATE)}


def _mapping(value: object) -> dict[str, Any]:
    """A struct, or the JSON of one; nothing otherwise."""
    value = literal(value)
    return value if isinstance(value, dict) else {}


def _row(query: Query, model: str, score: float) -> dict[str, Any]:
    unknown = {"cost_usd": None, "prompt_tokens": None, "completion_tokens": None, "response": None}
    return {**row_of(query), "model": model, "score": score, **unknown}
