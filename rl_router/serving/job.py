"""What a gateway serves and within which limits, as a recipe of recipes/serve states it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from rl_router.policy.engines import EngineKind

Seconds = Annotated[float, Field(gt=0.0, allow_inf_nan=False)]
Count = Annotated[int, Field(ge=1)]


@dataclass(frozen=True, kw_only=True)
class ServeLimits:
    """What one process takes on. `in_flight` requests run at once, `queue` more wait `queue_s` at most, others get 429.

    `total_s` bounds a request with all its calls, `call_s` one call until its first byte, `idle_s` the pause between
    two pieces of a stream.
    """

    __pydantic_config__ = {"extra": "forbid"}
    in_flight: Count = 1024
    queue: Annotated[int, Field(ge=0)] = 256
    queue_s: Seconds = 10.0
    body_bytes: Count = 32 * 2**20
    header_bytes: Count = 32 * 2**10
    body_s: Seconds = 30.0
    total_s: Seconds = 600.0
    call_s: Seconds = 120.0
    idle_s: Seconds = 120.0
    drain_s: Annotated[float, Field(ge=0.0)] = 1.0
    stop_s: Seconds = 600.0


@dataclass(frozen=True, kw_only=True)
class BreakerSetting:
    """After `failures` in a row a model is left alone for `rest_s`; then one call tries it again."""

    __pydantic_config__ = {"extra": "forbid"}
    failures: Count = 5
    rest_s: Seconds = 10.0


@dataclass(frozen=True, kw_only=True)
class Sticky:
    """A conversation keeps its model unless another is better by more than `gain`, the price of a cold cache included.

    `idle_s` is how long a provider keeps a prompt in its cache; after that a conversation is routed as a new one.
    """

    __pydantic_config__ = {"extra": "forbid"}
    gain: Annotated[float, Field(ge=0.0)] = 0.05
    idle_s: Seconds = 300.0
    conversations: Count = 10_000


@dataclass(frozen=True, kw_only=True)
class Canary:
    """The run of a new router that answers a `share` of the users of `auto`: always the same ones."""

    __pydantic_config__ = {"extra": "forbid"}
    router: Path
    share: Annotated[float, Field(gt=0.0, lt=1.0)]


@dataclass(frozen=True, kw_only=True)
class Engine:
    """What hosts a policy, and where: evaluation/host_policy.sh starts it."""

    __pydantic_config__ = {"extra": "forbid"}
    url: Annotated[str, Field(pattern=r"^https?://[^/]+")]
    kind: EngineKind = "sglang"


@dataclass(frozen=True, kw_only=True)
class ServeJob:
    """`routers` maps a name to the run folder of its router, `default` is what `auto` means (the first one).

    A policy among them is decoded in this process unless `engines` says who hosts it.
    `shadow` is the run of a router that decides on every routed request and is only logged; `canary` answers some.
    `pool` names the models and prices (recipes/pool, or a path). `backend: litellm` is for providers that are not
    OpenAI-compatible, `simulated` answers from the pool's simulation instead of its endpoints.
    """

    __pydantic_config__ = {"extra": "forbid"}
    name: str = "gateway"
    pool: str
    routers: Mapping[str, Path] = field(default_factory=dict)
    default: str | None = None
    engines: Mapping[str, Engine] = field(default_factory=dict)
    shadow: Path | None = None
    canary: Canary | None = None
    models: tuple[str, ...] | None = None
    endpoint: str | None = None
    backend: Literal["http", "litellm", "simulated"] = "http"
    host: str = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65535)] = 8000
    workers: Count = 1
    keys: Path | None = None
    log: Path | None = None
    log_contents: bool = False
    telemetry: bool = False
    scorers: Annotated[int, Field(ge=0)] = 0
    limits: ServeLimits = field(default_factory=ServeLimits)
    breaker: BreakerSetting = field(default_factory=BreakerSetting)
    sticky: Sticky | None = field(default_factory=Sticky)
