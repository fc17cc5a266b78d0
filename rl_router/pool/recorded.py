"""Record and replay in front of any backend: what was answered once is never paid for again.

A hit charges the episode its recorded price and the wallet nothing. In replay a request that nobody recorded is an
error, and a recorded failure is the failure that it was; in record a failure is asked again.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace

from rl_router.errors import NotRecordedError
from rl_router.pool.backend import Backend, Request
from rl_router.pool.recordings import Recordings
from rl_router.types import Attempt, CallStatus, ModelReply

LOST = Attempt(
    status=CallStatus.INTERRUPTED, usage=None, reason="the process that sent it ended before the answer came"
)


class RecordedBackend:
    """Records what `backend` answers in `recordings`; without a backend it replays them.

    A reply is in the file when it is returned. `waits` False leaves that to the caller, who awaits `recordings.written`
    when it is time.
    """

    def __init__(self, recordings: Recordings, backend: Backend | None = None, *, waits: bool = True) -> None:
        self.recordings, self._backend, self._waits = recordings, backend, waits
        self._asked: dict[str, asyncio.Future[ModelReply | None]] = {}

    async def complete(self, request: Request) -> ModelReply:
        key = request.key
        while key in self._asked:  # the same question at the same time is one call
            reply = await asyncio.shield(self._asked[key])
            if reply is not None:
                return replace(reply, from_cache=True)
        recorded = self.recordings.get(key)
        if recorded is not None and (recorded.status is CallStatus.OK or self._backend is None):
            return replace(recorded, from_cache=True)
        if self._backend is None:
            raise NotRecordedError(
                f"No reply of {request.spec.name!r} to {request.query.query_id!r} with these settings is in "
                f"{self.recordings.path}; record it with pool.mode=record first."
            )
        return await self._ask(key, request, self._backend)

    async def _ask(self, key: str, request: Request, backend: Backend) -> ModelReply:
        future = self._asked[key] = asyncio.get_running_loop().create_future()
        try:
            reply = await backend.complete(request)
            if lost := self.recordings.lost.pop(key, 0):
                reply = replace(reply, earlier=(*(LOST,) * lost, *reply.earlier))
            self.recordings.put(key, request, reply)  # in the same transaction as the charge of its last attempt
            if self._waits:
                await self.recordings.written()
            future.set_result(reply)
            return reply
        finally:
            del self._asked[key]
            if not future.done():  # whoever asked was cancelled; the next in line asks
                future.set_result(None)
