"""Queries that people bring along: one per line of a .txt, a list in a .json, an object per line of a .jsonl."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rl_router.data.modalities import MODALITIES
from rl_router.data.queries import IMAGES
from rl_router.errors import DataError
from rl_router.types import Query

TEXT_KEYS = ("query", "text", "prompt", "question")


def read_plain_queries(path: Path) -> list[Query]:
    """An entry is a text, or an object with its text under query, text, prompt or question; `id`, `task` and `images`,
    a list of URLs, are kept.

    DataError in one sentence for a file that cannot be read, has no query, or an entry that is none.
    """
    readers = {".txt": _lines, ".json": _list, ".jsonl": _objects}
    if path.suffix not in readers:
        raise DataError(f"expected queries in a .txt, .json or .jsonl file, got {path}")
    try:
        entries = readers[path.suffix](path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise DataError(f"the queries in {path} cannot be read ({error.strerror}); name another file") from None
    except (ValueError, RecursionError) as error:
        raise DataError(f"{path} is not what its name says: {error}") from None
    if not entries:
        raise DataError(f"{path} holds no query")
    return [_query(entry, number, path) for number, entry in enumerate(entries, start=1)]


def _lines(text: str) -> list[Any]:
    return [line for line in text.split("\n") if line.strip()]


def _list(text: str) -> list[Any]:
    content = json.loads(text)
    if not isinstance(content, list):
        raise ValueError("it should hold a list")
    return content


def _objects(text: str) -> list[Any]:
    entries = []
    for number, line in enumerate(text.split("\n"), start=1):
        try:
            entries += [json.loads(line)] if line.strip() else []
        except ValueError as error:
            raise ValueError(f"line {number} is no JSON ({error})") from None
    return entries


def _query(entry: Any, number: int, path: Path) -> Query:
    value = entry if isinstance(entry, dict) else {"query": entry}
    text = next((value[key] for key in TEXT_KEYS if key in value), None)
    if not isinstance(text, str) or not text.strip():
        raise DataError(f"entry {number} of {path} has no text under {', '.join(TEXT_KEYS)}")
    query_id = value.get("query_id", value.get("id", number))
    meta = {name: value[name] for name in MODALITIES if value.get(name)}
    _check_modalities(meta, f"entry {number} of {path}")
    return Query(query_id=str(query_id), text=text.strip(), answers=(), task=str(value.get("task", "")), meta=meta)


def _check_modalities(meta: Mapping[str, Any], where: str) -> None:
    others = [name for name in meta if name != IMAGES]
    if others:
        raise DataError(f"{where} holds {others[0]}, and only text and images are sent from a file: ask a gateway")
    images = meta.get(IMAGES, [])
    if not isinstance(images, list) or not all(isinstance(url, str) for url in images):
        raise DataError(f"expected the images of {where} to be a list of URLs, data: ones included")
