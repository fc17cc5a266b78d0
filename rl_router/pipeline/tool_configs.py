"""verl's `tool_config` file of a pool: which class runs each tool, how it is set up, and what the policy is shown."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from rl_router.episode.tools import call_schema, check_tool_names, select_schema
from rl_router.errors import PoolError
from rl_router.observe.files import write_text
from rl_router.pool.spec import ModelSpec, load_specs, pool_path

CALL_CLASS = "rl_router.rl.route_tools.CallModelTool"
SELECT_CLASS = "rl_router.rl.route_tools.SelectResponseTool"


def tool_config(pool: str, models: Sequence[str] = (), *, simple: bool = False) -> dict[str, Any]:
    """The tools of `models` of a pool (all of them by default); in simple mode none selects a reply.

    PoolError for a model that the pool lacks, or two whose functions would have one name.
    """
    specs = _chosen(load_specs(pool_path(pool)), models, pool)
    check_tool_names(specs)
    setting = {"file": pool, "mode": "live", "concurrency": 64}
    called = [
        {
            "class_name": CALL_CLASS,
            "config": {"type": "native", "model": spec.name, "pool": dict(setting)},
            "tool_schema": call_schema(spec),
        }
        for spec in specs
    ]
    select = {"class_name": SELECT_CLASS, "config": {"type": "native"}, "tool_schema": select_schema()}
    return {"tools": called if simple else [select, *called]}


def write_tool_config(path: Path, config: dict[str, Any], command: str) -> None:
    head = f"# The tools of a pool for verl's ToolAgentLoop. Made, and made again, with:\n#   {command}\n"
    text = yaml.safe_dump(config, sort_keys=False, allow_unicode=True, width=120)
    write_text(path, head + text)


def _chosen(specs: Sequence[ModelSpec], models: Sequence[str], pool: str) -> list[ModelSpec]:
    by_name = {spec.name: spec for spec in specs}
    unknown = [name for name in models if name not in by_name]
    if unknown:
        raise PoolError(f"The pool {pool} has no model {unknown[0]!r}; it has {', '.join(by_name)}.")
    return [by_name[name] for name in models] or list(specs)
