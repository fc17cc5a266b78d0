"""API keys: where they come from, how calls are spread over them, and that none of them is ever shown.

A key is looked for under the provider's name in API_KEYS, then in the provider's own variable, then in an API_KEYS
that names no provider.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from rl_router.errors import PoolError
from rl_router.observe.redaction import MASK

API_KEYS = "API_KEYS"
VARIABLES = {
    "anthropic": ("ANTHROPIC_API_KEY",),
    "azure": ("AZURE_API_KEY",),
    "gemini": ("GEMINI_API_KEY", "GOOGLE_API_KEY"),
    "huggingface": ("HF_TOKEN", "HUGGINGFACE_API_KEY"),
    "nvidia_nim": ("NVIDIA_NIM_API_KEY", "NVIDIA_API_KEY"),
    "together_ai": ("TOGETHER_API_KEY", "TOGETHERAI_API_KEY", "TOGETHER_AI_API_KEY"),
}
"""Where a provider's variable is not simply its name with _API_KEY behind it."""
SHOWN = 8
"""A word, or the beginning of a key, that is shorter than this gives nothing away."""


def variables(provider: str) -> tuple[str, ...]:
    return VARIABLES.get(provider) or (f"{re.sub(r'[^A-Z0-9]+', '_', provider.upper())}_API_KEY",)


def read_keys(provider: str, environment: Mapping[str, str]) -> tuple[str, ...]:
    """The keys of `provider`, none when there are none. API_KEYS is one key, a list with commas, or JSON: a list, or
    an object of keys by provider."""
    stated = _parse(environment.get(API_KEYS, ""))
    by_provider = {_plain(name): _keys(value) for name, value in stated.items()} if isinstance(stated, dict) else {}
    own = [key for name in variables(provider) for key in _keys(environment.get(name, ""))]
    general = () if isinstance(stated, dict) else _keys(stated)
    return tuple(dict.fromkeys(by_provider.get(_plain(provider)) or own or general))


def all_keys(environment: Mapping[str, str]) -> tuple[str, ...]:
    """Every key in the environment, whoever it belongs to: what must not be seen anywhere."""
    stated = _parse(environment.get(API_KEYS, ""))
    lists = list(stated.values()) if isinstance(stated, dict) else [stated]
    lists += [value for name, value in environment.items() if name.endswith("_API_KEY") or name == "HF_TOKEN"]
    return tuple(dict.fromkeys(key for item in lists for key in _keys(item)))


class KeyRing:
    """Keys in turn, without those that rest. Without any key, calls go out without one, and can rest all the same."""

    def __init__(self, keys: tuple[str, ...]) -> None:
        self._keys: tuple[str | None, ...] = keys or (None,)
        self._ready_s = [0.0] * len(self._keys)
        self._next = 0

    def __repr__(self) -> str:
        return f"KeyRing({len(self._keys)} keys)"

    def take(self, now_s: float) -> tuple[str | None, float]:
        """The next key that is ready and 0, or the one that is ready first and the seconds until then."""
        count = len(self._keys)
        for step in range(count):
            index = (self._next + step) % count
            if self._ready_s[index] <= now_s:
                self._next = (index + 1) % count
                return self._keys[index], 0.0
        first = min(range(count), key=self._ready_s.__getitem__)
        return self._keys[first], self._ready_s[first] - now_s

    def rest(self, key: str | None, until_s: float) -> None:
        index = self._keys.index(key)
        self._ready_s[index] = max(self._ready_s[index], until_s)

    def rest_all(self, until_s: float) -> None:
        self._ready_s = [max(ready_s, until_s) for ready_s in self._ready_s]


class Mask:
    """Writes *** for every known key, whatever a server or a library put it into."""

    def __init__(self, keys: tuple[str, ...]) -> None:
        # The longest first, so that a key that begins another one leaves no rest of it. Masking a word of a few letters
        # would spoil answers.
        self._keys = sorted((key for key in keys if len(key) >= SHOWN), key=len, reverse=True)
        self._bytes = [key.encode() for key in self._keys]

    def text(self, text: str) -> str:
        for key in self._keys:
            if key in text:
                text = text.replace(key, MASK)
        return text

    def body(self, body: bytes) -> bytes:
        for key in self._bytes:
            if key[:SHOWN] in body:
                body = _without_cut_key(body.replace(key, MASK.encode()), key)
        return body


def _without_cut_key(body: bytes, key: bytes) -> bytes:
    """A body that broke off within a key ends before it."""
    for length in range(len(key) - 1, SHOWN - 1, -1):
        if body.endswith(key[:length]):
            return body[:-length] + MASK.encode()
    return body


def _parse(text: str) -> Any:
    text = text.strip()
    if not text.startswith(("[", "{", '"')):
        return text
    try:
        return json.loads(text)
    except ValueError:
        raise PoolError(
            f"{API_KEYS} begins like JSON and is none; write one key, keys with commas between them, a JSON list, or a"
            f' JSON object such as {{"openai": ["KEY", "KEY"]}}.'
        ) from None


def _keys(value: Any) -> tuple[str, ...]:
    if isinstance(value, str):
        return _sendable(_split(value))
    if isinstance(value, list) and all(isinstance(key, str) for key in value):
        return _sendable(tuple(key.strip() for key in value if key.strip()))
    raise PoolError(f"{API_KEYS} holds a {type(value).__name__} where a key or a list of keys belongs; correct it.")


def _sendable(keys: tuple[str, ...]) -> tuple[str, ...]:
    """A line break in a key would begin another field of the header."""
    if all(key.isascii() and key.isprintable() for key in keys):
        return keys
    raise PoolError("A key has a line break or a letter beyond ASCII in it; copy it again.")


def _split(text: str) -> tuple[str, ...]:
    return tuple(key.strip() for key in text.split(",") if key.strip())


def _plain(provider: str) -> str:
    """`Together AI`, `together_ai` and `togetherai` are one provider."""
    return re.sub(r"[^a-z0-9]", "", provider.lower())
