"""Where the files that people edit are: beside the package in a checkout, inside it (`_data/`) once installed."""

from __future__ import annotations

import os
from pathlib import Path

PACKAGE = Path(__file__).resolve().parent
COMPLETE = ("", "routers", "multi_round")
"""Where `rl-router train` looks for a recipe: the top of recipes/, the classical routers and the multi-round ones."""


def checkout() -> Path | None:
    """The root of the checkout that the package runs from, None when it runs from an installed wheel."""
    root = PACKAGE.parent
    return root if (root / "pyproject.toml").is_file() and (root / "recipes").is_dir() else None


def editable_folder(name: str) -> Path:
    root = checkout()
    return root / name if root else PACKAGE / "_data" / name


def recipes_dir() -> Path:
    return editable_folder("recipes")


def recipe_files(folder: str = "") -> dict[str, Path]:
    """The complete experiments by name, or the recipes in the `folder` of a step."""
    folders = (folder,) if folder else COMPLETE
    return {path.stem: path for place in folders for path in sorted((recipes_dir() / place).glob("*.yaml"))}


def pools_dir() -> Path:
    """Model pools are recipes too: prices and skills that people edit."""
    return recipes_dir() / "pool"


def tool_configs_dir() -> Path:
    return editable_folder("tool_configs")


def cache_dir() -> Path:
    """What can be computed again: RL_ROUTER_CACHE, or rl-router in the user's cache folder."""
    given = os.environ.get("RL_ROUTER_CACHE")
    caches = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(given).expanduser() if given else Path(caches) / "rl-router"
