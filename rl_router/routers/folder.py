"""A router in a folder: `router.json` and `arrays.safetensors`, written whole or not at all, checked when read.

Loading executes nothing that the folder holds. A folder names its kind of router and never a file: what is read has
fixed names and lies inside.
"""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any
from uuid import uuid4

from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

from rl_router import __version__
from rl_router.errors import CheckpointError
from rl_router.routers.learned import Arrays, Learned, pack, unpack

FORMAT = 1
JSON, ARRAYS = "router.json", "arrays.safetensors"


def save(thing: Learned, folder: Path) -> None:
    """`folder` holds the whole of `thing`, or what it held before."""
    folder = Path(folder)
    if folder.exists() and not _is_ours(folder):
        raise CheckpointError(f"{folder} is there already and holds no router: name another folder")
    partial = folder.with_name(f".{folder.name}.{uuid4().hex}")
    try:
        partial.mkdir(parents=True)
        arrays: Arrays = {}
        content = {"format": FORMAT, "rl_router": __version__, **pack(thing, arrays, partial)}
        save_file(arrays, partial / ARRAYS)
        text = json.dumps(content, ensure_ascii=False, allow_nan=False, indent=1)
        (partial / JSON).write_text(text, encoding="utf-8", errors="strict")
        _replace(folder, partial)
    except OSError as error:
        raise CheckpointError(f"no router can be written to {folder} ({error.strerror}): name another place") from None
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def load(kind: type[Any], folder: Path) -> Any:
    """What `save` wrote, or a CheckpointError in one sentence."""
    folder = Path(folder)
    try:
        content = _read_json(folder)
        arrays = _read_arrays(folder)
        thing = unpack(kind, content, arrays, folder, {})
        if arrays:
            raise CheckpointError(f"it holds the unknown array {min(arrays)!r}")
    except CheckpointError as error:
        raise CheckpointError(f"the router in {folder} is refused: {str(error).rstrip('.')}; train it again") from None
    return thing


def inside(folder: Path, name: str) -> Path:
    """The file `name` of `folder`, or a CheckpointError when it is missing or leads outside."""
    path = folder / name
    if not path.is_file():
        raise CheckpointError(f"{name} is missing")
    if not path.resolve().is_relative_to(folder.resolve()):
        raise CheckpointError(f"{name} leads outside the folder")
    return path


def _read_json(folder: Path) -> dict[str, Any]:
    if not folder.is_dir():
        raise CheckpointError("there is no such folder")
    try:
        content = json.loads(inside(folder, JSON).read_bytes(), parse_constant=_no_constant)
    except (ValueError, RecursionError, OSError) as error:
        raise CheckpointError(f"{JSON} is no whole JSON ({error})") from None
    if not isinstance(content, dict) or content.pop("format", None) != FORMAT:
        raise CheckpointError(f"{JSON} is not of format {FORMAT}")
    content.pop("rl_router", None)
    return content


def _read_arrays(folder: Path) -> Arrays:
    path = inside(folder, ARRAYS)
    try:
        return dict(load_file(path))
    except (SafetensorError, ValueError, KeyError, TypeError, OSError) as error:
        raise CheckpointError(f"{ARRAYS} is no safetensors file ({' '.join(str(error).split())})") from None


def _no_constant(name: str) -> float:
    raise ValueError(f"{name} is no number")


def _is_ours(folder: Path) -> bool:
    return folder.is_dir() and ((folder / JSON).is_file() or not any(folder.iterdir()))


def _replace(folder: Path, partial: Path) -> None:
    """A rename cannot replace a folder that holds files, so the old one steps aside and comes back if that fails."""
    if not folder.exists():
        os.rename(partial, folder)
        return
    aside = folder.with_name(f".{folder.name}.{uuid4().hex}.old")
    os.rename(folder, aside)
    try:
        os.rename(partial, folder)
    except OSError:
        os.rename(aside, folder)
        raise
    shutil.rmtree(aside, ignore_errors=True)
