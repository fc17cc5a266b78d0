"""The tools of the `tools` dialect under verl's own `ToolAgentLoop`: two `BaseTool` classes and their configuration.

verl makes one instance per tool and process, and hands each call the episode's `agent_data`: the replies of an episode,
and what they cost, lie in its `extra_fields`, so that `select_response` finds them and a reward function is told.
`tool_configs/*.yaml` names these classes; `rl-router data tools` writes such a file from a pool.
"""

from __future__ import annotations

import os
from functools import lru_cache
from typing import Any

from pydantic import TypeAdapter
from verl.tools.base_tool import BaseTool
from verl.tools.schemas import OpenAIFunctionToolSchema, ToolResponse

from rl_router.episode.dialect import LAST, BadCall, Route
from rl_router.episode.environment import name_of
from rl_router.episode.tags import neutralise, writable
from rl_router.episode.tools import read_arguments, tool_name
from rl_router.observe.rollouts import TEXT_LIMIT as LIMIT
from rl_router.observe.rollouts import shorten
from rl_router.pool.backend import Request, Sampling
from rl_router.pool.lasting import lasting_pool
from rl_router.pool.ledger import Ledger
from rl_router.pool.live_pool import LivePool
from rl_router.pool.pool import ModelPool
from rl_router.types import Call, CallStatus, Query

CALLS, COST, SELECTED = "route_calls", "cost_usd", "selected_response"
"""Keys of an episode's `extra_fields`: its calls in order, what they cost in USD, and the reply that it ends with."""


class CallModelTool(BaseTool):
    """Asks one model of a pool. `config`: `model`, and `pool` as a recipe's `task.pool` states it.

    Missing or wrong arguments, and whatever the model's provider does, are answered in the reply.
    """

    def __init__(self, config: dict[str, Any], tool_schema: OpenAIFunctionToolSchema):
        super().__init__(config, tool_schema)
        self.pool = _pool(TypeAdapter(LivePool).dump_json(TypeAdapter(LivePool).validate_python(config["pool"])))
        self.spec = self.pool.spec(config["model"])

    async def execute(
        self, instance_id: str, parameters: dict[str, Any], **kwargs: Any
    ) -> tuple[ToolResponse, float, dict[str, Any]]:
        route = read_arguments(self.name, parameters)
        if isinstance(route, BadCall):
            return ToolResponse(text=route.reason), 0.0, {"bad_call": 1.0}
        episode, ledger = _fields(kwargs), Ledger()
        call = await self.pool.send(self._request(route, question_of(kwargs.get("agent_data"))), ledger=ledger)
        made = episode.setdefault(CALLS, [])
        made.append({"model": call.model, "status": call.reply.status.value, "text": shorten(call.reply.text, LIMIT)})
        episode[COST] = episode.get(COST, 0.0) + ledger.cost_usd
        return ToolResponse(text=shown(call, len(made))), 0.0, {COST: ledger.cost_usd, "status": made[-1]["status"]}

    def _request(self, route: Route, question: str) -> Request:
        return Request(
            spec=self.spec,
            prompt=question,
            query=Query(query_id="", text=question, answers=(), task=""),
            max_tokens=self.config.get("max_tokens"),
            messages=({"role": "system", "content": route.system_prompt}, {"role": "user", "content": question}),
            sampling=Sampling(temperature=route.temperature),
        )


class SelectResponseTool(BaseTool):
    """Notes which reply is the answer. verl goes on sampling; the turn that follows has nothing left to say."""

    async def execute(
        self, instance_id: str, parameters: dict[str, Any], **kwargs: Any
    ) -> tuple[ToolResponse, float, dict[str, Any]]:
        episode = _fields(kwargs)
        wanted = str(parameters.get("model_call_name", "") if isinstance(parameters, dict) else "")
        for number, call in reversed(list(enumerate(episode.get(CALLS, []), start=1))):
            is_meant = wanted in (name_of(number), str(number), call["model"], tool_name(call["model"]), LAST)
            if is_meant and call["status"] == CallStatus.OK:
                episode[SELECTED] = call["text"]
                return ToolResponse(text=f"{name_of(number)} is selected and ends the work."), 0.0, {}
        return ToolResponse(text=f"there is no reply named {wanted[:40]!r} to select"), 0.0, {"bad_call": 1.0}


def shown(call: Call, number: int) -> str:
    """A reply as the policy reads it: named, so that it can be selected, and without power over the chat."""
    if call.reply.status is CallStatus.OK:
        return f"{name_of(number)} ({call.model}): {neutralise(writable(call.reply.text))}"
    return f"{name_of(number)} ({call.model}): no reply; {call.reply.status.value.replace('_', ' ')}"


def question_of(agent_data: Any) -> str:
    """What the user asked: the first message of theirs, under xRouter's mark where it has one."""
    messages = getattr(agent_data, "messages", None) or []
    first = next((str(m["content"]) for m in messages if m["role"] == "user"), "")
    return first.partition("USER QUERY: \n")[2] or first


def _fields(kwargs: dict[str, Any]) -> dict[str, Any]:
    """Where verl keeps an episode's own things; a fresh place when the tool is called outside of one."""
    fields = getattr(kwargs.get("agent_data"), "extra_fields", None)
    return fields if isinstance(fields, dict) else {}


@lru_cache(maxsize=4)
def _pool(setting: bytes) -> ModelPool:
    """One pool for all tools of a process: its lanes bound the calls to an endpoint, whichever model they are for."""
    return lasting_pool(TypeAdapter(LivePool).validate_json(setting), os.environ)
