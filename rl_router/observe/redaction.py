"""No secret reaches a run folder: a value is masked when its key is named like one, or when it looks like one."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

MASK = "***"

_SECRET_ANYWHERE = re.compile("secrets?|passwords?|passwd|passphrase|credentials?")
_SECRET_AT_THE_END = re.compile("(api)?keys?|tokens?|authorization|cookies?")
_ABOUT_A_SECRET = re.compile("env|file|path")
# verl names table columns `prompt_key` and limits `max_tokens`; a mask there would only hide the recipe
_HARMLESS_BEFORE_KEY = re.compile(
    "prompt|response|image|video|audio|fn|sort|metric|column|index|messages|tools?|group|agent|name|question|answer"
    "|cache|primary|stop|special|eos|bos|pad|max|min|num"
)
_SECRET_VALUE = re.compile(
    r"\b(sk|pk|rk)-[\w-]{16,}|\b(hf|ghp|gho|ghs|glpat|xoxb|xoxp)[_-][\w-]{16,}|\bgithub_pat_\w{16,}|\bAKIA[0-9A-Z]{16}\b"
    r"|\bAIza[\w-]{30,}|\bBearer\s+[\w.~+/-]{8,}=*|(?<=://)[^/\s:@]+:[^/\s@]+(?=@)"
)


def redact(value: Any) -> Any:
    """A copy of nested mappings and lists with every secret written as `***`."""
    if isinstance(value, Mapping):
        return {str(k): _mask(v) if _names_a_secret(str(k)) else redact(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [redact(item) for item in value]
    if isinstance(value, str):
        return _SECRET_VALUE.sub(MASK, value)
    return value


def _names_a_secret(key: str) -> bool:
    words = re.findall(r"[a-z]+|\d+", re.sub(r"([a-z\d])([A-Z])", r"\1_\2", key).lower())
    if not words or _ABOUT_A_SECRET.fullmatch(words[-1]):
        return False
    if any(_SECRET_ANYWHERE.fullmatch(word) for word in words):
        return True
    harmless = len(words) > 1 and _HARMLESS_BEFORE_KEY.fullmatch(words[-2])
    return bool(_SECRET_AT_THE_END.fullmatch(words[-1]) and not harmless)


def _mask(value: Any) -> Any:
    """Numbers stay: `batch_tokens: 512` is a size. An empty value stays too: that nothing was set is worth knowing."""
    if isinstance(value, Mapping):
        return {str(k): _mask(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [_mask(item) for item in value]
    return value if value is None or value == "" or isinstance(value, (bool, int, float)) else MASK
