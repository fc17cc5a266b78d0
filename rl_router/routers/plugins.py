"""Routers of one's own: a folder with `router.py` and `config.yaml`, or an entry point in the group rl_router.routers.

Folders are looked for in ./custom_routers, ~/.rl_router/plugins and the folders of $RL_ROUTER_PLUGINS; no other code
runs, and none before the plugin is used: a listing reads `config.yaml` alone. A broken plugin is named with its error.
"""

from __future__ import annotations

import importlib.util
import os
import sys
from dataclasses import dataclass
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

import yaml

from rl_router.errors import RecipeError

if TYPE_CHECKING:
    from rl_router.routers.router import Router

GROUP = "rl_router.routers"
KEYS = ("description", "needs", "learners", "rules", "router")


@dataclass(frozen=True, kw_only=True)
class Plugin:
    """`source` is its folder or its entry point; `error` says why its config.yaml cannot be used."""

    name: str
    source: Path | EntryPoint
    config: dict[str, Any]
    error: str = ""


def plugin_folders() -> list[Path]:
    """Where plugins are looked for, the nearest first."""
    named = os.environ.get("RL_ROUTER_PLUGINS", "").split(os.pathsep)
    places = [Path("custom_routers"), Path.home() / ".rl_router" / "plugins", *(Path(text) for text in named if text)]
    return [place for place in places if place.is_dir()]


def plugins() -> dict[str, Plugin]:
    """By name; of two of one name the nearest. Nothing of them is imported."""
    found: dict[str, Plugin] = {}
    for place in plugin_folders():
        for file in sorted(place.glob("*/router.py")):
            found.setdefault(file.parent.name, _read(file.parent))
    for point in entry_points(group=GROUP):
        found.setdefault(point.name, Plugin(name=point.name, source=point, config={"description": point.value}))
    return found


def plugin_class(plugin: Plugin) -> type[Router]:
    """Imported now. RecipeError, with the plugin's name and its error, when that fails."""
    if plugin.error:
        raise RecipeError(f"plugin {plugin.name} is broken: {plugin.error}")
    try:
        if isinstance(plugin.source, EntryPoint):
            return _checked(plugin, plugin.source.load())
        return _class_of(plugin.name, plugin.source.resolve())
    except RecipeError:
        raise
    except (Exception, SystemExit) as error:  # whatever somebody's code raises, this plugin is the one to name
        raise RecipeError(f"plugin {plugin.name} is broken: {type(error).__name__}: {error}") from error


def _read(folder: Path) -> Plugin:
    try:
        config = yaml.safe_load((folder / "config.yaml").read_text(encoding="utf-8")) or {}
        if not isinstance(config, dict):
            raise ValueError("config.yaml holds no keys and values")
    except FileNotFoundError:
        return Plugin(name=folder.name, source=folder, config={}, error="its folder has no config.yaml")
    except (OSError, ValueError, yaml.YAMLError) as error:
        return Plugin(name=folder.name, source=folder, config={}, error=" ".join(str(error).split()))
    return Plugin(name=folder.name, source=folder, config=config)


@cache
def _class_of(name: str, folder: Path) -> type[Router]:
    from rl_router.routers.meta_router import adapted, llmrouter_names
    from rl_router.routers.router import Router

    plugin = Plugin(name=name, source=folder, config={})
    with llmrouter_names() as meta:
        module = _import(name, folder / "router.py")
    own = [value for value in vars(module).values() if isinstance(value, type) and value.__module__ == module.__name__]
    routers = [kind for kind in own if issubclass(kind, Router)]
    if len(routers) == 1:
        return _checked(plugin, routers[0])
    others = [kind for kind in own if issubclass(kind, meta)]
    if not routers and len(others) == 1:
        return adapted(name, others[0], folder / "config.yaml")
    raise RecipeError(f"plugin {name} is broken: router.py should define one Router, or one MetaRouter of LLMRouter")


def _import(name: str, file: Path) -> ModuleType:
    qualified = f"rl_router_plugin_{name}"
    spec = importlib.util.spec_from_file_location(qualified, file)
    if spec is None or spec.loader is None:
        raise RecipeError(f"plugin {name} is broken: {file} cannot be imported")
    module = importlib.util.module_from_spec(spec)
    sys.modules[qualified] = module  # dataclasses look their module up
    try:
        spec.loader.exec_module(module)
    except BaseException:
        sys.modules.pop(qualified, None)
        raise
    return module


def _checked(plugin: Plugin, kind: Any) -> type[Router]:
    from rl_router.routers.router import Router

    if not isinstance(kind, type) or not issubclass(kind, Router):
        raise RecipeError(f"plugin {plugin.name} is broken: {kind!r} is no Router")
    if getattr(kind, "kind", None) != plugin.name:
        raise RecipeError(f'plugin {plugin.name} is broken: its class needs `kind: Literal["{plugin.name}"]`')
    return kind
