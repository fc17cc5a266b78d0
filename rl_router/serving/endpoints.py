"""What answers at each path. `is_work` is what goes through the gate, `is_logged` what has a line in the log, also when
it is refused there; the rest must always answer."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rl_router import __version__
from rl_router.serving.decide import route
from rl_router.serving.dialect import CHAT, EMBEDDINGS, RESPONSES
from rl_router.serving.errors import ApiError
from rl_router.serving.inbound import Inbound
from rl_router.serving.json_bytes import dumps
from rl_router.serving.openapi import DOCUMENT
from rl_router.serving.proxy import proxied
from rl_router.serving.trace import Trace

if TYPE_CHECKING:
    from rl_router.serving.app import Gateway

PROMETHEUS = (b"content-type", b"text/plain; version=0.0.4; charset=utf-8")
ONE_MODEL = "/v1/models/"
ELSEWHERE = "elsewhere"
"""What metrics call a path that is none: clients choose paths, and a label for each would fill the memory."""
RATINGS = {"up": 1.0, "down": 0.0}


@dataclass(frozen=True, kw_only=True, slots=True)
class Endpoint:
    run: Callable[[Gateway, Inbound, Trace], Awaitable[None]]
    needs_key: bool = True
    is_work: bool = False
    is_logged: bool = False


async def health(gateway: Gateway, inbound: Inbound, trace: Trace) -> None:
    """That the process lives."""
    await inbound.reply(200, dumps({"status": "ok", "version": __version__}))


async def ready(gateway: Gateway, inbound: Inbound, trace: Trace) -> None:
    """Whether new requests should come here."""
    status = "draining" if gateway.draining else "ready"
    await inbound.reply(503 if gateway.draining else 200, dumps({"status": status}))


async def models(gateway: Gateway, inbound: Inbound, trace: Trace) -> None:
    listed = [_model(gateway, name) for name in gateway.catalog.names.all()]
    await inbound.reply(200, dumps({"object": "list", "data": listed}))


async def model(gateway: Gateway, inbound: Inbound, trace: Trace) -> None:
    """One of them, or whatever else a request may give as its model, by name."""
    name = inbound.path.removeprefix(ONE_MODEL)
    gateway.catalog.names.target(name)
    await inbound.reply(200, dumps(_model(gateway, name)))


def _model(gateway: Gateway, name: str) -> dict[str, object]:
    owner = "pool" if name in gateway.catalog.specs else "rl-router"
    return {"id": name, "object": "model", "created": 0, "owned_by": owner}


async def metrics(gateway: Gateway, inbound: Inbound, trace: Trace) -> None:
    text = gateway.metrics.text(running=gateway.gate.inside, waiting=gateway.gate.waiting)
    await inbound.reply(200, text, kind=PROMETHEUS)


async def feedback(gateway: Gateway, inbound: Inbound, trace: Trace) -> None:
    """`request_id` of an answer with `quality` in 0..1, or `rating` up or down."""
    body = await inbound.object(gateway.job.limits)
    request_id, quality = body.get("request_id"), body.get("quality")
    if not isinstance(request_id, str) or not 0 < len(request_id) <= 100:
        raise ApiError(400, "expected request_id to be the id of an answer", param="request_id")
    if quality is None and isinstance(body.get("rating"), str):
        quality = RATINGS.get(body["rating"])
    if isinstance(quality, bool) or not isinstance(quality, int | float) or not 0 <= quality <= 1:
        raise ApiError(400, "expected quality to be a number from 0 to 1, or rating to be up or down", param="quality")
    catalog = gateway.catalog
    for router in catalog.learners():
        await router.rated(request_id, float(quality))
    gateway.log.feedback(request_id, float(quality), time.time())
    gateway.metrics.feedback(float(quality), "" if catalog.canary is None else catalog.canary.arm_of_answer(request_id))
    await inbound.reply(200, dumps({"request_id": request_id, "quality": float(quality)}))


async def tools(gateway: Gateway, inbound: Inbound, trace: Trace) -> None:
    """The models as the tools that a policy calls them by: xRouter's page of that name."""
    listed = [
        {
            "name": f"call_{spec.name}",
            "model": spec.name,
            "tier": spec.tier,
            "description": spec.description,
            "capabilities": list(spec.capabilities),
            "input_usd_per_mtok": spec.input_usd_per_mtok,
            "output_usd_per_mtok": spec.output_usd_per_mtok,
            "breaker": gateway.catalog.breakers[spec.name, CHAT.path].state,
        }
        for spec in gateway.catalog.specs.values()
    ]
    await inbound.reply(200, dumps({"tools": listed, "count": len(listed)}))


async def reload(gateway: Gateway, inbound: Inbound, trace: Trace) -> None:
    if not trace.account.is_admin:
        raise ApiError(403, "this takes a key with admin: true; SIGHUP to the process does the same")
    await gateway.reload()
    await inbound.reply(200, dumps({"status": "reloaded"}))


async def document(gateway: Gateway, inbound: Inbound, trace: Trace) -> None:
    await inbound.reply(200, DOCUMENT)


ENDPOINTS: dict[str, dict[str, Endpoint]] = {
    "/v1/chat/completions": {"POST": Endpoint(run=proxied(CHAT), is_work=True, is_logged=True)},
    "/v1/responses": {"POST": Endpoint(run=proxied(RESPONSES), is_work=True, is_logged=True)},
    "/v1/embeddings": {"POST": Endpoint(run=proxied(EMBEDDINGS), is_work=True, is_logged=True)},
    "/v1/route": {"POST": Endpoint(run=route, is_work=True)},
    "/v1/feedback": {"POST": Endpoint(run=feedback)},
    "/v1/models": {"GET": Endpoint(run=models)},
    "/v1/models/{model}": {"GET": Endpoint(run=model)},
    "/health": {"GET": Endpoint(run=health, needs_key=False)},
    "/ready": {"GET": Endpoint(run=ready, needs_key=False)},
    "/metrics": {"GET": Endpoint(run=metrics)},
    "/debug/tools": {"GET": Endpoint(run=tools)},
    "/admin/reload": {"POST": Endpoint(run=reload)},
    "/openapi.json": {"GET": Endpoint(run=document)},
}


def endpoint_at(path: str, method: str) -> tuple[str, Endpoint]:
    """The path as the table has it, and what answers there. ApiError with 404 or 405."""
    known = f"{ONE_MODEL}{{model}}" if path.startswith(ONE_MODEL) else path
    methods = ENDPOINTS.get(known)
    if methods is None:
        raise ApiError(404, f"there is nothing at {path[:100]}", code="not_found")
    if method not in methods:
        raise ApiError(405, f"expected {' or '.join(methods)} for {known}, got {method}")
    return known, methods[method]
