"""A stream of events on its way to the client: what need not be read is passed on byte for byte.

The last event with a choice is held back until the usage that follows it has come, so that it can carry the router's
metadata: an event of its own without choices would break clients that read `chunk.choices[0]` of each. A client that
asked for usage gets the metadata with the usage, in the last event.
"""

from __future__ import annotations

import re
from typing import Any

from rl_router.pool.chat import read_usage
from rl_router.pool.keys import Mask
from rl_router.serving.json_bytes import loads, with_field
from rl_router.types import Usage

READ = re.compile(rb'"finish_reason"\s*:\s*"|"usage"\s*:\s*\{|\[DONE\]|"error"\s*:\s*[{"]')
DONE = b"data: [DONE]\n\n"
FIELD = "router_metadata"


class Relay:
    """`feed` takes what arrives and gives what may go out; `end` gives the rest. `complete`: the answer came whole."""

    def __init__(self, *, wants_usage: bool, mask: Mask) -> None:
        self.usage: Usage | None = None
        self.error: Any = None
        self._wants_usage, self._mask = wants_usage, mask
        self._rest = b""
        self._held = self._usage_event = b""
        self._done = self._finished = False

    @property
    def complete(self) -> bool:
        return (self._done or self._finished) and self.error is None

    def feed(self, data: bytes) -> bytes:
        block = self._rest + data if self._rest else data
        if b"\r" in block:
            block = block.replace(b"\r\n", b"\n")
        end = block.rfind(b"\n\n") + 2
        if end < 2:
            self._rest = block
            return b""
        self._rest = block[end:]
        whole = self._mask.body(block[:end] if self._rest else block)
        if READ.search(whole) is None:
            return self._released(whole) if self._held else whole
        return b"".join(self._event(event) for event in whole[:-2].split(b"\n\n"))

    def end(self, metadata: bytes) -> bytes:
        """What was held back, with `metadata` (JSON) in its last event."""
        if self._usage_event and self._wants_usage:
            last = self._usage_event
            return b"%bdata: %b\n\n%b" % (self._held, with_field(last, FIELD, metadata), DONE)
        if not self._held:
            return DONE
        data = data_of(self._held[:-2]) or b"{}"
        return b"data: %b\n\n%b" % (with_field(data, FIELD, metadata), DONE)

    def _event(self, event: bytes) -> bytes:
        data = data_of(event)
        if data is None:  # a comment keeps a connection alive
            return event + b"\n\n" if event.strip() else b""
        if data == b"[DONE]":
            self._done = True
            return b""
        if READ.search(event) is None:
            return self._released(event + b"\n\n")
        try:
            chunk = loads(data)
            choices = chunk.get("choices") or ()
            finished = any(choice.get("finish_reason") for choice in choices)
            self.usage = read_usage(chunk.get("usage")) or self.usage
        except (ValueError, AttributeError, TypeError):
            return self._released(event + b"\n\n")
        if chunk.get("error"):
            self.error = chunk["error"]
            return b""
        if not choices and chunk.get("usage") is not None:
            self._usage_event = data
            return b""
        if not (finished or self._finished):  # some providers send their usage with an empty choice, after the end
            return self._released(event + b"\n\n")
        self._finished = True
        released, self._held = self._held, event + b"\n\n"
        return released

    def _released(self, data: bytes) -> bytes:
        held, self._held = self._held, b""
        return held + data


def data_of(event: bytes) -> bytes | None:
    """The data of one event, its lines joined; None for an event without any, such as a comment."""
    if event.startswith(b"data:") and b"\n" not in event:
        return event[5:].strip()
    lines = [line[5:].strip() for line in event.split(b"\n") if line.startswith(b"data:")]
    return b"\n".join(lines) if lines else None
