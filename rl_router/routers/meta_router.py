"""A plugin written for LLMRouter as a router here: its class names one model per query by `route_single`.

LLMRouter's plugins (https://github.com/ulab-uiuc/LLMRouter, custom_routers) derive from `MetaRouter`, are made with the
path of a YAML file, and answer {"model_name": …} for {"query": …}. Their own weights and training stay theirs.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, make_dataclass
from functools import cached_property
from pathlib import Path
from types import ModuleType
from typing import Any, ClassVar, Literal

import numpy as np
import yaml

from rl_router.errors import RecipeError, UnknownModelError
from rl_router.routers.observations import Observations
from rl_router.routers.router import Router
from rl_router.types import Query

MODULES = ("llmrouter.models.meta_router", "llmrouter.routers.meta_router", "llmrouter.models", "llmrouter")


class MetaRouter:
    """What a plugin finds under LLMRouter's name where LLMRouter is not installed: its YAML as `cfg`, and no data."""

    def __init__(self, model: Any = None, yaml_path: str | None = None, resources: Any = None) -> None:
        self.model, self.yaml_path, self.resources = model, yaml_path, resources
        self.cfg = yaml.safe_load(Path(yaml_path).read_text(encoding="utf-8")) if yaml_path else {}
        self.llm_data: dict[str, dict[str, Any]] = {}

    def route_single(self, query_input: dict[str, Any]) -> dict[str, Any]:
        raise NotImplementedError

    def route_batch(self, query_inputs: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return [self.route_single(query_input) for query_input in query_inputs]


@contextmanager
def llmrouter_names() -> Iterator[type]:
    """While a plugin is imported, LLMRouter's modules are there even where LLMRouter is not."""
    try:
        from llmrouter.models.meta_router import MetaRouter as theirs  # type: ignore[import-not-found,unused-ignore]

        yield theirs
        return
    except ImportError:
        pass
    made = {name: ModuleType(name) for name in MODULES if name not in sys.modules}
    for module in made.values():
        module.MetaRouter = MetaRouter  # type: ignore[attr-defined]
    sys.modules.update(made)
    try:
        yield MetaRouter
    finally:
        for name in made:
            sys.modules.pop(name, None)


@dataclass(kw_only=True)
class Adapted(Router):
    """1 for the model that the plugin names and 0 for the others: it says nothing of their quality, so no dial."""

    has_dial: ClassVar[bool] = False
    written_by: ClassVar[type]
    yaml_path: ClassVar[Path]

    def _fit(self, observed: Observations) -> None:
        """The plugin learned by itself, or needs not to."""

    def _scores(self, queries: Sequence[Query]) -> np.ndarray:
        answers = self._plugin.route_batch([{"query": query.text, "task": query.task} for query in queries])
        return np.array([self._row(answer) for answer in answers])

    def _row(self, answer: Any) -> list[float]:
        name = answer.get("model_name", answer.get("predicted_llm")) if isinstance(answer, dict) else None
        if name not in self.models_:
            raise UnknownModelError(f"the plugin chose {name!r}, and the models are {', '.join(self.models_)}")
        return [float(model == name) for model in self.models_]

    @cached_property
    def _plugin(self) -> Any:
        plugin = self.written_by(str(self.yaml_path))
        if not getattr(plugin, "llm_data", None):
            plugin.llm_data = {model: {} for model in self.models_}
        return plugin


def adapted(name: str, written_by: type, yaml_path: Path) -> type[Router]:
    if not hasattr(written_by, "route_batch"):
        raise RecipeError(f"plugin {name} is broken: its class has no route_batch")
    kind: Any = Literal[name]  # type: ignore[valid-type]
    made = make_dataclass(
        name, [("kind", kind, name)], bases=(Adapted,), kw_only=True, namespace={"__module__": __name__}
    )
    made.written_by, made.yaml_path = written_by, yaml_path  # type: ignore[attr-defined]
    return made
