"""A stream of the Responses API on its way to the client: it ends with an event that holds the whole response.

https://platform.openai.com/docs/api-reference/responses-streaming. Nothing is read but that event.
"""

from __future__ import annotations

import re
from typing import Any

from rl_router.pool.keys import Mask
from rl_router.serving.dialect import response_usage
from rl_router.serving.json_bytes import loads, with_field
from rl_router.serving.relay import FIELD, data_of
from rl_router.types import Usage

LAST = re.compile(rb'"type"\s*:\s*"(?:response\.(?:completed|incomplete|failed)|error)"')


class ResponseRelay:
    """`feed`, `end` and `complete` as a Relay has them."""

    def __init__(self, *, mask: Mask) -> None:
        self.usage: Usage | None = None
        self.error: Any = None
        self._mask, self._rest, self._last = mask, b"", b""

    @property
    def complete(self) -> bool:
        return bool(self._last) and self.error is None

    def feed(self, data: bytes) -> bytes:
        block = (self._rest + data).replace(b"\r\n", b"\n")
        end = block.rfind(b"\n\n") + 2
        if end < 2:
            self._rest = block
            return b""
        whole, self._rest = self._mask.body(block[:end]), block[end:]
        if LAST.search(whole) is None:
            return whole
        return b"".join(self._event(event + b"\n\n") for event in whole[:-2].split(b"\n\n"))

    def end(self, metadata: bytes) -> bytes:
        """The last event, with `metadata` (JSON) beside its response."""
        data = data_of(self._last[:-2]) or b"{}"
        return self._last.replace(data, with_field(data, FIELD, metadata))

    def _event(self, event: bytes) -> bytes:
        if LAST.search(event) is None:
            return event
        try:
            content = loads(data_of(event[:-2]) or b"")
            kind, response = content["type"], content.get("response") or {}
        except (ValueError, KeyError, TypeError, AttributeError):
            return event
        if kind in ("error", "response.failed"):
            self.error = content
            return b""
        if kind not in ("response.completed", "response.incomplete"):
            return event
        self._last, self.usage = event, response_usage(response)
        return b""
