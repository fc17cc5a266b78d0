"""What a question holds beside text: who can take it is a hard constraint, and that it does is a word for the routers.

A model takes what its `capabilities` in the pool file name: `images`, `audio`, `video`, `files`. The word is appended
to the text that routers read, so that any of them can learn that a model is good, or dear, at pictures.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from rl_router.errors import RecipeError
from rl_router.types import Query

MODALITIES = ("images", "audio", "video", "files")
KEY = "modalities"
"""The key of `meta` that names what a question holds where the thing itself is not there, as in a gateway."""
OF_PART = {
    "image_url": "images", "input_image": "images", "image": "images", "input_audio": "audio", "audio_url": "audio",
    "video_url": "video", "input_video": "video", "file": "files", "input_file": "files",
}  # fmt: skip
"""By the type of a content part, of chat completions and of the Responses API."""


def modalities_of(query: Query) -> tuple[str, ...]:
    """Beside text, in the order of `MODALITIES`."""
    if not query.meta:
        return ()
    named = query.meta.get(KEY) or ()
    return tuple(name for name in MODALITIES if query.meta.get(name) or name in named)


def modalities_in(messages: Iterable[Any]) -> tuple[str, ...]:
    """The same of a conversation: a picture of an earlier turn is sent again with every later one."""
    found = {OF_PART.get(part["type"]) for message in messages for part in _parts(message)}
    return tuple(name for name in MODALITIES if name in found)


def marked(query: Query) -> Query:
    """With a word for each modality at the end of its text, once."""
    words = "".join(f" modality_{name}" for name in modalities_of(query))
    return query if not words or query.text.endswith(words) else replace(query, text=query.text + words)


def takes(capabilities: Sequence[str], modalities: Sequence[str]) -> bool:
    return all(name in capabilities for name in modalities)


def by_takers(
    queries: Sequence[Query], models: Sequence[str], capabilities: Mapping[str, Sequence[str]]
) -> list[tuple[list[int], list[str]]]:
    """(places of queries, the ones of `models` that can take them) by what the queries hold beside text.

    A model that `capabilities` does not name is held to take everything. RecipeError where none takes a query.
    """
    groups: dict[tuple[str, ...], list[int]] = {}
    for place, query in enumerate(queries):
        groups.setdefault(modalities_of(query), []).append(place)
    found = []
    for modalities, places in groups.items():
        able = [model for model in models if model not in capabilities or takes(capabilities[model], modalities)]
        if not able:
            raise RecipeError(
                f"{len(places)} questions hold {' and '.join(modalities)}, which none of {', '.join(models)} takes:"
                " state it among the capabilities in the pool file, or choose other models"
            )
        found.append((places, able))
    return found


def _parts(message: Any) -> list[Mapping[str, Any]]:
    """An item of the Responses API may be a part itself."""
    if not isinstance(message, Mapping):
        return []
    content = message.get("content")
    inside = content if isinstance(content, list) else []
    return [part for part in (message, *inside) if isinstance(part, Mapping) and isinstance(part.get("type"), str)]
