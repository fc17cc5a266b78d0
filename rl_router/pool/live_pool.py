"""A pool of real models as a recipe states it, and how it is opened: endpoints and keys are found before any call."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import Field

from rl_router.errors import PoolError
from rl_router.pool.client import Client
from rl_router.pool.clock import Clock
from rl_router.pool.keys import API_KEYS, KeyRing, Mask, all_keys, read_keys, variables
from rl_router.pool.lane import Lane
from rl_router.pool.live import LiveBackend, Patience
from rl_router.pool.pool import ModelPool
from rl_router.pool.recorded import RecordedBackend
from rl_router.pool.recordings import Recordings
from rl_router.pool.retry import Retry
from rl_router.pool.spec import ModelSpec, load_specs, pool_path

PROVIDERS = {
    "api.anthropic.com": "anthropic",
    "api.deepseek.com": "deepseek",
    "api.groq.com": "groq",
    "api.mistral.ai": "mistral",
    "api.openai.com": "openai",
    "api.together.xyz": "together_ai",
    "generativelanguage.googleapis.com": "gemini",
    "integrate.api.nvidia.com": "nvidia_nim",
    "openrouter.ai": "openrouter",
}
"""Who serves an endpoint, in litellm's spelling; any other host may be given its `provider` in the pool file."""
LOCAL = ("localhost", "127.0.0.1", "::1")

Seconds = Annotated[float, Field(gt=0.0, allow_inf_nan=False)]


@dataclass(frozen=True, kw_only=True)
class LivePool:
    """`file` names the models and prices (recipes/pool, or a path); `concurrency` bounds the calls to each endpoint.

    `live` asks always, `record` only what is not in `cache`, `replay` never: what was not recorded is an error.
    """

    __pydantic_config__ = {"extra": "forbid"}
    file: str
    models: tuple[str, ...] | None = None
    mode: Literal["live", "record", "replay"] = "record"
    client: Literal["openai", "litellm"] = "openai"
    endpoint: str | None = None
    cache: Path | None = None
    concurrency: Annotated[int, Field(ge=1)] = 16
    call_timeout_s: Seconds = 120.0
    total_timeout_s: Seconds = 600.0
    attempts: Annotated[int, Field(ge=1)] = 6
    backoff_s: Seconds = 1.0
    backoff_cap_s: Seconds = 60.0
    stream: bool = False

    def specs(self) -> tuple[ModelSpec, ...]:
        """The chosen models, each with the endpoint that it will be asked at."""
        specs = load_specs(pool_path(self.file))
        if self.models is not None:
            by_name = {spec.name: spec for spec in specs}
            unknown = [name for name in self.models if name not in by_name]
            if unknown:
                raise PoolError(f"The pool {self.file} has no model {unknown[0]!r}; it has {', '.join(by_name)}.")
            specs = tuple(by_name[name] for name in self.models)
        return tuple(replace(spec, endpoint=self._endpoint(spec)) for spec in specs)

    def _endpoint(self, spec: ModelSpec) -> str | None:
        url = spec.endpoint or self.endpoint
        if url is None and self.client == "litellm":
            return None  # litellm finds the provider by the model's name
        if url is None:
            raise PoolError(
                f"Model {spec.name!r} has no endpoint; give it one in {self.file}, set pool.endpoint=URL for all that"
                f" have none, or use pool.client=litellm."
            )
        if "@" in urlsplit(url).netloc:
            raise PoolError(f"The endpoint of {spec.name!r} has a user name in it; keys come from the environment.")
        if not url.isascii() or urlsplit(url).scheme not in ("http", "https") or not urlsplit(url).hostname:
            raise PoolError(f"The endpoint of {spec.name!r} is {url!r}; write a URL such as https://api.openai.com/v1.")
        return url.rstrip("/").removesuffix("/chat/completions")


@dataclass(frozen=True, kw_only=True)
class OpenedPool:
    """The pool, and its recordings where it has any."""

    pool: ModelPool
    recordings: Recordings | None
    mask: Mask = field(repr=False)


@asynccontextmanager
async def open_pool(
    setting: LivePool,
    environment: Mapping[str, str],
    *,
    run: str = "",
    sent: Path | None = None,
    clock: Clock | None = None,
) -> AsyncIterator[OpenedPool]:
    """Open what `setting` states; missing endpoints, keys and recordings are a PoolError here and not in mid-run.

    `run` names whom recorded calls are charged to, `sent` the file of the calls of this run that went out; with it, a
    reply may be returned some milliseconds before it is recorded, and `recordings` says when it is.
    """
    check_pool(setting, environment)
    specs = setting.specs()
    recordings = _recordings(setting, run, sent)
    mask = Mask(all_keys(environment))
    try:
        if setting.mode == "replay":
            assert recordings is not None
            yield OpenedPool(pool=ModelPool(specs, RecordedBackend(recordings), None), recordings=recordings, mask=mask)
            return
        clock = clock or Clock()
        live = LiveBackend(
            _client(setting, mask, clock),
            lanes(specs, setting.concurrency, environment, clock),
            retry=Retry(attempts=setting.attempts, base_s=setting.backoff_s, cap_s=setting.backoff_cap_s),
            patience=Patience(call_s=setting.call_timeout_s, total_s=setting.total_timeout_s),
            mask=mask,
            clock=clock,
            attempts=recordings,
        )
        # with a file of what was sent, whoever is killed knows what it lost, and can do without waiting for each reply
        backend = RecordedBackend(recordings, live, waits=sent is None) if recordings else live
        try:
            yield OpenedPool(pool=ModelPool(specs, backend, None), recordings=recordings, mask=mask)
        finally:
            await live.close()
    finally:
        if recordings is not None:
            recordings.close()


def check_pool(setting: LivePool, environment: Mapping[str, str]) -> None:
    """A PoolError for what `open_pool` would refuse, before any file is made."""
    specs = setting.specs()
    if setting.mode != "replay":
        lanes(specs, setting.concurrency, environment, Clock())
    elif setting.cache is None or not setting.cache.is_file():
        raise PoolError(f"There are no recorded calls at {setting.cache}; record them with pool.mode=record first.")


def lanes(specs: tuple[ModelSpec, ...], width: int, environment: Mapping[str, str], clock: Clock) -> dict[str, Lane]:
    """A lane for each model; models of one endpoint and provider share theirs."""
    shared: dict[tuple[str, str], Lane] = {}
    for spec in specs:
        place = spec.endpoint or "", provider_of(spec)
        if place not in shared:
            shared[place] = Lane(place[0], KeyRing(provider_keys(spec, environment)), width, clock)
    return {spec.name: shared[spec.endpoint or "", provider_of(spec)] for spec in specs}


def key_rings(specs: Iterable[ModelSpec], environment: Mapping[str, str]) -> dict[str, KeyRing]:
    """The keys of each model; models of one endpoint and provider take turns with theirs. PoolError without a key."""
    shared: dict[tuple[str, str], KeyRing] = {}
    rings = {}
    for spec in specs:
        place = spec.endpoint or "", provider_of(spec)
        if place not in shared:
            shared[place] = KeyRing(provider_keys(spec, environment))
        rings[spec.name] = shared[place]
    return rings


def provider_of(spec: ModelSpec) -> str:
    """The provider that the pool file states, the one known to serve the host, or the one in litellm's name."""
    host = urlsplit(spec.endpoint or "").hostname or ""
    if spec.provider or host in PROVIDERS:
        return spec.provider or PROVIDERS[host]
    name = spec.litellm_model or spec.name
    return name.partition("/")[0] if not spec.endpoint and "/" in name else host or "openai"


def provider_keys(spec: ModelSpec, environment: Mapping[str, str]) -> tuple[str, ...]:
    provider = provider_of(spec)
    keys = read_keys(provider, environment)
    if keys or (urlsplit(spec.endpoint or "").hostname in LOCAL):
        return keys
    raise PoolError(
        f"There is no API key for {spec.name!r} at {spec.endpoint or provider}; set {' or '.join(variables(provider))},"
        f" or {API_KEYS}."
    )


def _client(setting: LivePool, mask: Mask, clock: Clock) -> Client:
    if setting.client == "litellm":
        from rl_router.pool.litellm_client import LiteLLMClient

        return LiteLLMClient(stream=setting.stream, mask=mask, clock=clock)
    from rl_router.pool.openai_client import OpenAIClient

    return OpenAIClient(stream=setting.stream, mask=mask, clock=clock)


def _recordings(setting: LivePool, run: str, sent: Path | None) -> Recordings | None:
    if setting.cache is None and setting.mode == "live":
        return None
    if setting.cache is None:
        raise PoolError(f"pool.mode={setting.mode} needs a file of recorded calls; name it with pool.cache=PATH.")
    return Recordings(setting.cache, run, None if setting.mode == "replay" else sent)
