"""A suite from its recipe: YAML in recipes/suites/ (or a file of one's own), changed by `key=value`.

Suites have no parts to compose, so their values are read as YAML, lists of URLs and mappings included.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from rl_router.errors import RecipeError
from rl_router.evaluation.suite.suite import Suite, suite_from_dict
from rl_router.nested import merged
from rl_router.paths import recipes_dir
from rl_router.recipe import explain, read_values, suggestion
from rl_router.recipe_keys import known_keys


def suite_names() -> list[str]:
    return sorted(path.stem for path in (recipes_dir() / "suites").glob("*.yaml"))


def load_suite(name: str, changes: Sequence[str] = ()) -> Suite:
    """The suite of this name or file, checked; a RecipeError in one sentence for what does not fit."""
    path = suite_path(name)
    values = merged(_read(path), read_values(changes))
    where = f"suite {path.stem}"
    try:
        return suite_from_dict(values)
    except ValidationError as error:
        raise RecipeError(explain(error, values, where, known_keys(Suite))) from None


def suite_path(name: str) -> Path:
    if name.endswith((".yaml", ".yml")):
        path = Path(name).expanduser().resolve()
        if not path.is_file():
            raise RecipeError(f"there is no suite file {name}")
        return path
    names = suite_names()
    if name not in names:
        raise RecipeError(
            f"there is no suite {name!r}{suggestion(name, names)} and no run folder with a config.json at {name};"
            f" suites are {', '.join(names)}, or name a .yaml file"
        )
    return recipes_dir() / "suites" / f"{name}.yaml"


def _read(path: Path) -> dict[str, Any]:
    try:
        values = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise RecipeError(f"the suite {path} cannot be read: {' '.join(str(error).split())}") from None
    if not isinstance(values, dict):
        raise RecipeError(f"expected keys and values in the suite {path}, got {type(values).__name__}")
    return {str(key): value for key, value in values.items()}
