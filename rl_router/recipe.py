"""Hydra in, typed job out: a recipe is YAML that people edit, a job is a frozen value that code can trust.

Hydra composes the file, its groups and the overrides; pydantic checks each key and value against the job's dataclasses.
Whatever either refuses becomes one sentence. Only this module touches hydra.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeVar

import yaml
from hydra import compose as hydra_compose
from hydra import initialize_config_dir
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.errors import HydraException, OverrideParseException
from omegaconf import OmegaConf
from omegaconf.errors import MissingMandatoryValue, OmegaConfBaseException
from pydantic import TypeAdapter, ValidationError

from rl_router.episode.multi_round_run import MultiRoundJob
from rl_router.errors import CheckpointError, RecipeError
from rl_router.nested import merged
from rl_router.paths import COMPLETE, recipe_files, recipes_dir
from rl_router.recipe_keys import known_keys
from rl_router.rl.job import TrainJob, job_from_dict
from rl_router.routers.job import RouterJob, router_job_from_dict, router_job_type
from rl_router.routers.plugins import plugins
from rl_router.routers.registry import entry

Job = TypeVar("Job")
AnyJob = TrainJob | RouterJob[Any] | MultiRoundJob

STEPS = ("collect", "models", "prompts", "queries", "serve", "suites")
"""Folders of recipes/ that hold recipes of `rl-router data …`, named like the command, suites or gateways; others hold
parts."""


def recipe_names(folder: str = "") -> list[str]:
    return list(recipe_files(folder))


def group_options() -> dict[str, list[str]]:
    """What each `group=option` override may choose."""
    whole = (*STEPS, *COMPLETE)
    folders = sorted(path for path in recipes_dir().iterdir() if path.is_dir() and path.name not in whole)
    return {folder.name: sorted(path.stem for path in folder.glob("*.yaml")) for folder in folders}


def load_job(name: str, overrides: Sequence[str] = ()) -> AnyJob:
    """The job of a recipe: a name in recipes/ or a path to a YAML file, changed by `key=value` and `group=option`."""
    if name not in recipe_names() and name in plugins():
        with TemporaryDirectory() as folder:
            path = Path(folder) / f"{name}.yaml"
            path.write_text(yaml.safe_dump(plugin_recipe(name)), encoding="utf-8")
            return checked(compose(str(path), overrides), where=f"plugin {name}")
    return checked(compose(name, overrides), where=f"recipe {Path(name).stem}")


def plugin_recipe(name: str) -> dict[str, Any]:
    """A plugin brings no recipe: its name and the hyper-parameters under `router` of its config.yaml make one."""
    found = entry(name)
    learner = "supervised" if "supervised" in found.learners else found.learners[0]
    return {
        "defaults": [{"rule": found.rules[0]}, {"learner": learner}, "_self_"],
        "name": name,
        "run_dir": "runs/${name}",
        "data": "???",
        "seed": 0,
        "router": {"kind": name, **plugins()[name].config.get("router", {})},
    }


def load_step(kind: type[Job], name: str, overrides: Sequence[str] = (), *, folder: str) -> Job:
    """The job of a data pipeline's step: a name in that `folder` of recipes/ or a path, checked against `kind`."""
    return checked_step(kind, compose(name, overrides, folder), where=f"recipe {Path(name).stem}")


def step_job(kind: type[Job], values: Mapping[str, Any], overrides: Sequence[str], *, where: str) -> Job:
    """Like `load_step`, from values that need no recipe."""
    return checked_step(kind, merged(values, read_values(overrides)), where=where)


def checked_step(kind: type[Job], values: Mapping[str, Any], *, where: str) -> Job:
    try:
        return TypeAdapter(kind).validate_python(values)
    except ValidationError as error:
        raise RecipeError(explain(error, values, where, known_keys(kind))) from None


def compose(name: str, overrides: Sequence[str] = (), folder: str = "") -> dict[str, Any]:
    """The recipe as plain values, every group and interpolation resolved and nothing checked yet.

    A step's recipe (one with a `folder`) has no groups: its `pool=NAME` sets a key.
    """
    path = recipe_path(name, folder)
    parts = [f"hydra.searchpath=[file://{recipes_dir()}]"] if path.parent != recipes_dir() else []
    texts = [hydra_override(text, {} if folder else group_options()) for text in overrides]
    try:
        with initialize_config_dir(version_base=None, config_dir=str(path.parent), job_name="rl-router"):
            config = hydra_compose(path.stem, parts + [text for text in texts if not text.startswith("++")])
        # Hydra takes a key for a choice of part where a folder of that name lies beside the recipe, so it gets no keys.
        for override in OverridesParser.create().parse_overrides([text for text in texts if text.startswith("++")]):
            OmegaConf.update(config, override.key_or_group, override.value(), force_add=True)
        values = OmegaConf.to_container(config, resolve=True, throw_on_missing=True)
    except MissingMandatoryValue as error:
        key = getattr(error, "full_key", None) or str(error).rsplit(" ", 1)[-1]
        raise RecipeError(f"recipe {path.stem} leaves {key} for you to set: add {key}=VALUE") from None
    except OverrideParseException as error:
        raise RecipeError(
            f"cannot read {error.override.removeprefix('++')!r}: a value with brackets, commas or = needs quotes of its"
            " own, as in \"run_dir='a=b'\""
        ) from None
    except (HydraException, OmegaConfBaseException, yaml.YAMLError) as error:
        raise RecipeError(f"recipe {path.stem} does not compose: {_one_line(error)}") from None
    if not isinstance(values, dict):
        raise RecipeError(f"expected keys and values in recipe {path}, got {type(values).__name__}")
    return {str(key): value for key, value in values.items()}


def recipe_path(name: str, folder: str = "") -> Path:
    """A file if `name` looks like a path to one, else a recipe that ships with rl-router."""
    if name.endswith((".yaml", ".yml")):
        path = Path(name).expanduser().resolve()
        if not path.is_file():
            raise RecipeError(f"there is no recipe file {name}")
        if path.suffix != ".yaml":
            raise RecipeError(f"expected a recipe file that ends in .yaml, got {name}: rename it")
        return path
    names = recipe_names(folder)
    if name not in names:
        raise RecipeError(
            f"unknown recipe {name!r}{suggestion(name, names)}; there are {', '.join(names)}, or name a .yaml file"
        )
    return recipe_files(folder)[name]


def hydra_override(text: str, groups: Mapping[str, Sequence[str]]) -> str:
    """`key=value` may set any key, written in the recipe or not; the job's types check it later."""
    key, equals, value = text.partition("=")
    if not equals or not key or key.strip() != key:
        raise RecipeError(f"expected key=value, got {text!r}")
    options = groups.get(key)
    if options is None:
        return text if key.startswith(("+", "~")) else f"++{text}"
    if value not in options:
        raise RecipeError(f"unknown option {text}{suggestion(value, options)}; {key} is one of {', '.join(options)}")
    return text


def read_changes(config_json: Path, overrides: Sequence[str]) -> dict[str, Any]:
    """`key=value` changes to a run's config.json as nested values, checked against the job that they would make."""
    changes = read_values(overrides)
    try:
        config = json.loads(config_json.read_text(encoding="utf-8"))
        checked(config, where="the run")
    except (ValueError, TypeError, RecipeError) as error:
        raise CheckpointError(f"{config_json} does not hold the config of a run: {_one_line(error)[:200]}") from None
    checked(merged(config, changes), where="the run")
    return changes


def read_values(overrides: Sequence[str]) -> dict[str, Any]:
    """`["a.b=3"]` as `{"a": {"b": 3}}`, each value read as YAML."""
    values: dict[str, Any] = {}
    for text in overrides:
        key, equals, value = text.partition("=")
        if not equals or not key or key.strip() != key:
            raise RecipeError(f"expected key=value, got {text!r}")
        try:
            leaf: Any = yaml.safe_load(value)
        except yaml.YAMLError:
            raise RecipeError(f"expected a YAML value after {key}=, got {value!r}") from None
        for part in reversed(key.split(".")):
            leaf = {part: leaf}
        values = merged(values, leaf)
    return values


def checked(values: Mapping[str, Any], *, where: str) -> AnyJob:
    """A recipe with a `router` fits a classical router, one with a `decomposer` states a multi-round router, and any
    other trains a policy."""
    if "decomposer" in values:
        return checked_step(MultiRoundJob, values, where=where)
    kind: Any = router_job_type(dict(values)) if "router" in values else TrainJob
    try:
        return router_job_from_dict(dict(values)) if "router" in values else job_from_dict(dict(values))
    except ValidationError as error:
        raise RecipeError(explain(error, values, where, known_keys(kind))) from None


def explain(error: ValidationError, values: Mapping[str, Any], where: str, keys: Sequence[str]) -> str:
    """The first thing that pydantic refused, in one sentence with the key as it is written."""
    first, *others = error.errors()
    key = written_key(first["loc"], values)
    more = f" ({len(others)} more after it)" if others else ""
    given = first["input"]
    context = first.get("ctx", {})
    match first["type"]:
        case "unexpected_keyword_argument" | "extra_forbidden":
            return f"unknown key {key} in {where}{_place(key, keys)}{more}"
        case "missing" | "missing_keyword_only_argument" | "union_tag_not_found":
            key += ".kind" if first["type"] == "union_tag_not_found" else ""
            return f"{where} lacks {key}: add {key}=VALUE{more}"
        case "union_tag_invalid":
            kinds = re.findall(r"'([^']*)'", context["expected_tags"])
            return f"expected {key}.kind to be one of {', '.join(kinds)}, got {context['tag']!r} in {where}{more}"
        case "tuple_type":
            return f"expected {key} to be a list like [0,0.5], got {given!r} in {where}{more}"
        case _:
            message = first["msg"].removeprefix("Value error, ")
            if message.startswith("Input should be "):
                message = f"expected {key} to be {message.removeprefix('Input should be ')}"
            else:
                message = f"{key} does not fit: {message}"
            return f"{message}, got {given!r} in {where}{more}"


def written_key(loc: Iterable[int | str], values: Any) -> str:
    """pydantic's path without the union tags that it puts in: ("task", "world", "seed") is task.seed."""
    key = ""
    for part in loc:
        if isinstance(values, Mapping) and part not in values and values.get("kind") == part:
            continue
        key += f"[{part}]" if isinstance(part, int) else f".{part}" if key else part
        try:
            values = values[part]
        except (KeyError, IndexError, TypeError):
            values = None
    return key


def _place(key: str, keys: Sequence[str]) -> str:
    """Where a misspelt key was meant to go: a key spelt alike, the same word elsewhere, or a word spelt alike."""
    parent, _, leaf = key.rpartition(".")
    if key in keys:
        return f", which belongs to another {parent}.kind"
    near = get_close_matches(key, keys, n=1, cutoff=0.75)
    near = near or [other for other in keys if other.rpartition(".")[2] == leaf]
    if not near:
        leaves = get_close_matches(leaf, {other.rpartition(".")[2] for other in keys}, n=1, cutoff=0.75)
        near = [other for other in keys if other.rpartition(".")[2] in leaves]
    if near:
        return f"; did you mean {' or '.join(near)}?"
    beside = [other for other in keys if other.rpartition(".")[0] == parent]
    return f"; known there: {', '.join(beside)}" if beside else ""


def suggestion(name: str, names: Sequence[str]) -> str:
    near = get_close_matches(name, names, n=1)
    return f", did you mean {near[0]}?" if near else ""


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split()).rstrip(".")
