"""A new router beside the one that serves: as a shadow it only decides, as a canary it answers a share of the users.

Which arm a user is in is a hash of who it is, so it is the same on every worker and after every restart. Over the draw
of that hash a request is answered by the canary with chance `share`, so the propensity that is logged is that of the
mixture: share · P(model | canary) + (1 − share) · P(model | control). Off-policy estimates of both arms read it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from hashlib import blake2b
from typing import TYPE_CHECKING

from rl_router.errors import PoolError
from rl_router.serving.arms import Arms
from rl_router.serving.errors import ApiError
from rl_router.serving.request_log import RequestLog
from rl_router.serving.routing import Choice, ServedRouter
from rl_router.serving.sessions import Conversation
from rl_router.types import Decision

if TYPE_CHECKING:
    from rl_router.serving.decide import Asked

log = logging.getLogger("rl_router.serving")
CONTROL, CANARY, SHADOW = "control", "canary", "shadow"
MOST_SHADOWS = 256
"""Shadow decisions under way at once; what comes beyond that is not decided, and is counted."""


class CanaryTrial:
    """`router` answers `share` of the users, whoever else answers the others. `arms` is kept by all workers."""

    def __init__(self, router: ServedRouter, share: float, arms: Arms) -> None:
        self.router, self.share, self._arms = router, share, arms

    def arm_of(self, asked: Asked, account: str) -> str:
        """By the user where a request names one, else by the conversation."""
        user = asked.extras.user
        who = f"{account}\0{user}".encode("utf-8", "surrogatepass") if user else asked.key
        digest = blake2b(who, digest_size=8, person=b"rlr-canary").digest()
        return CANARY if int.from_bytes(digest) / 2**64 < self.share else CONTROL

    async def choose(
        self, control: ServedRouter, asked: Asked, account: str, conversation: Conversation | None
    ) -> Choice:
        """Both decide, one counts. A canary that cannot decide leaves the request to the other."""
        arm = self.arm_of(asked, account)
        routers = {CONTROL: control, CANARY: self.router}
        found = await asyncio.gather(
            *(
                router.choose(asked.query, asked.extras, conversation=conversation, counts=name == arm)
                for name, router in routers.items()
            ),
            return_exceptions=True,
        )
        mine, new = found
        if isinstance(mine, BaseException):
            raise mine
        if isinstance(new, BaseException):
            _complain(CANARY, new)
            if arm == CANARY:  # what the control decided was not to count, and now it does
                mine = await control.choose(asked.query, asked.extras, conversation=conversation)
            return replace(mine, arm=CONTROL)
        assert mine.decision is not None and new.decision is not None
        chosen = new if arm == CANARY else mine
        arms = {CONTROL: mine.decision.model, CANARY: new.decision.model}
        try:
            self._arms.keep(asked.query.query_id, arm)
        except PoolError as error:  # a full disk: the answer is worth more than what feedback on it counts for
            log.warning("feedback on this answer will count for no arm: %s", error)
        return replace(chosen, arm=arm, arms=arms, decision=self._mixed(chosen, mine.decision, new.decision))

    def arm_of_answer(self, request_id: str) -> str:
        """'' for one that was no part of the trial, or is long past."""
        return self._arms.of(request_id)

    def close(self) -> None:
        self.router.close()
        self._arms.close()

    def _mixed(self, chosen: Choice, control: Decision, canary: Decision) -> Decision:
        """The decision that counts, with the chance that its model had before the hash was known."""
        assert chosen.decision is not None
        model = chosen.decision.model
        chance = self.share * canary.chance(model) + (1.0 - self.share) * control.chance(model)
        return replace(chosen.decision, propensity=chance, chances={})


class Shadow:
    """`router` decides on requests that are under way, in its own time; what it decides is a line in the log."""

    def __init__(self, router: ServedRouter) -> None:
        self.router = router
        self._under_way: set[asyncio.Task[None]] = set()

    def watch(self, asked: Asked, log: RequestLog, count: Callable[[str], None], served: Choice) -> None:
        """Returns at once. `count` is told whether it agreed."""
        if len(self._under_way) >= MOST_SHADOWS:
            count("skipped")
            return
        task = asyncio.get_running_loop().create_task(self._decide(asked, log, count, served))
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)

    async def _decide(self, asked: Asked, log: RequestLog, count: Callable[[str], None], served: Choice) -> None:
        try:
            choice = await self.router.choose(asked.query, asked.extras, counts=False)
        except Exception as error:  # whatever it is, it is no part of the request
            _complain(SHADOW, error)
            count("failed")
            return
        log.shadow(asked.query.query_id, self.router.name, choice)
        assert choice.decision is not None and served.decision is not None
        count("agreed" if choice.decision.model == served.decision.model else "differed")

    def close(self) -> None:
        for task in self._under_way:
            with suppress(RuntimeError):  # its loop has ended
                task.cancel()
        self.router.close()


def _complain(arm: str, error: BaseException) -> None:
    """Without its message, which may hold what a client wrote; what the request is to blame for is no news."""
    if not isinstance(error, ApiError):
        log.warning("the %s did not decide (%s)", arm, type(error).__name__)
