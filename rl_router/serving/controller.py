"""`Controller`: the openai client with a router behind it, in this process or at a gateway that runs already.

    client = Controller("runs/knn", pool="xrouter")
    client.chat.completions.create(model="auto", messages=[{"role": "user", "content": "…"}])

It is openai.OpenAI, `AsyncController` is openai.AsyncOpenAI: whatever takes one of these takes a controller.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import openai

from rl_router.errors import RecipeError
from rl_router.serving.background import BackgroundGateway
from rl_router.serving.job import ServeJob

NO_KEY = "none"
"""The client wants some key; a gateway of one's own asks for none."""


class Controller(openai.OpenAI):
    """`run` is a run folder, or several by name, over the models of `pool`; `settings` are keys of a serve recipe.

    Or `base_url` names a gateway, with `api_key` where it wants one. RecipeError for neither or both.
    """

    def __init__(
        self, run: str | Path | Mapping[str, str | Path] | None = None, *, pool: str | None = None,
        base_url: str | None = None, api_key: str | None = None, settings: Mapping[str, Any] | None = None,
        **client: Any,
    ) -> None:  # fmt: skip
        self._gateway = started(run, pool, base_url, settings)
        url = self._gateway.url if self._gateway is not None else base_url
        super().__init__(base_url=url, api_key=api_key or NO_KEY, **client)

    def close(self) -> None:
        super().close()
        if self._gateway is not None:
            self._gateway.stop()


class AsyncController(openai.AsyncOpenAI):
    """The same for `await`."""

    def __init__(
        self, run: str | Path | Mapping[str, str | Path] | None = None, *, pool: str | None = None,
        base_url: str | None = None, api_key: str | None = None, settings: Mapping[str, Any] | None = None,
        **client: Any,
    ) -> None:  # fmt: skip
        self._gateway = started(run, pool, base_url, settings)
        url = self._gateway.url if self._gateway is not None else base_url
        super().__init__(base_url=url, api_key=api_key or NO_KEY, **client)

    async def close(self) -> None:
        await super().close()
        if self._gateway is not None:
            self._gateway.stop()


def started(
    run: str | Path | Mapping[str, str | Path] | None,
    pool: str | None,
    base_url: str | None,
    settings: Mapping[str, Any] | None,
) -> BackgroundGateway | None:
    """The gateway in this process, None where another one is named."""
    if (run is None) == (base_url is None):
        raise RecipeError("a controller needs a run to serve, or the base_url of a gateway, and not both")
    if run is None:
        return None
    if pool is None:
        raise RecipeError("name the models that may be asked: pool=NAME, a name in recipes/pool or a YAML file")
    routers = {Path(run).name: Path(run)} if isinstance(run, str | Path) else {n: Path(p) for n, p in run.items()}
    return BackgroundGateway(ServeJob(pool=pool, routers=routers, port=0, **(settings or {})), os.environ)
