"""A live pool for processes that make calls all their life: opened with the first call, once for each event loop.

`open_pool` closes what it opened at the end of a block. An agent loop has no such end: its process is ended.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from weakref import WeakKeyDictionary

from rl_router.errors import PoolError
from rl_router.pool.backend import Backend, Request
from rl_router.pool.live_pool import LivePool, OpenedPool, check_pool, open_pool
from rl_router.pool.pool import ModelPool
from rl_router.types import ModelReply


class LastingBackend:
    """Connections belong to the event loop that opened them, so each loop has its own. PoolError at once for a missing
    endpoint or key."""

    def __init__(self, setting: LivePool, environment: Mapping[str, str]) -> None:
        check_pool(setting, environment)
        self._setting, self._environment = setting, environment
        self._opened: WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Task[Backend]] = WeakKeyDictionary()
        self._contexts: list[AbstractAsyncContextManager[OpenedPool]] = []

    async def complete(self, request: Request) -> ModelReply:
        loop = asyncio.get_running_loop()
        if loop not in self._opened:  # the first of many calls at once opens it for all
            self._opened[loop] = loop.create_task(self._open())
        backend = await self._opened[loop]
        return await backend.complete(request)

    async def _open(self) -> Backend:
        context = open_pool(self._setting, self._environment)
        try:
            opened = await context.__aenter__()
        except PoolError:
            raise
        except Exception as error:  # of the installation: no model is to blame, so it must not count as a failed call
            raise PoolError(f"The pool {self._setting.file} cannot be opened: {error!r}.") from error
        self._contexts.append(context)  # else it is collected, and closes
        return opened.pool.backend


def lasting_pool(setting: LivePool, environment: Mapping[str, str]) -> ModelPool:
    """The pool that `setting` states; its backend keeps its own time."""
    return ModelPool(setting.specs(), LastingBackend(setting, environment), None)
