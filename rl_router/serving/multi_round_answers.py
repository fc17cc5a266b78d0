"""What a multi-round router came to, as a chat completion: the last answer, every call, and what each cost."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rl_router.serving.decide import Asked
from rl_router.serving.errors import ApiError
from rl_router.serving.inbound import Inbound
from rl_router.serving.policy_answers import note, send_episode, whole_query
from rl_router.serving.trace import Trace
from rl_router.serving.upstream_backend import UpstreamBackend
from rl_router.types import CallStatus, Episode, StopReason

if TYPE_CHECKING:
    from rl_router.serving.app import Gateway

STATUS = {CallStatus.TIMEOUT: 504, CallStatus.RATE_LIMITED: 429}


async def answer_in_rounds(
    gateway: Gateway, inbound: Inbound, trace: Trace, asked: Asked, body: dict[str, Any], deadline_s: float
) -> None:
    """ApiError for a request that asks for more than text, and where no model answered a part that had to be known."""
    name = asked.target.multi_round
    assert name is not None
    query = whole_query(trace, asked, body)
    backend = UpstreamBackend(gateway.catalog, gateway.job.limits, deadline_s)
    episode = await gateway.catalog.multi_rounds[name].play(query, asked.extras, backend, trace.ledger)
    trace.turns = len(episode.calls)
    note(trace, name, episode)
    if episode.stop is StopReason.MAX_TURNS:
        trace.outcome = "refused"
        last = episode.calls[-1].reply
        raise ApiError(STATUS.get(last.status, 502), f"a part of the question got no answer: {last.text}")
    gateway.settle(trace)
    await send_episode(gateway, inbound, trace, best_part(episode), episode, body)


def best_part(episode: Episode) -> str:
    """The answer; where the money ran out, the last reply to a part, and else nothing."""
    if episode.answer is not None:
        return episode.answer
    _, *parts = episode.calls  # the first call splits
    replies = (call.reply.text for call in reversed(parts) if call.reply.status is CallStatus.OK)
    return next(replies, "")
