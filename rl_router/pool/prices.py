"""Bring the prices of a pool file up to date with litellm's table: only numbers change, comments and order stay.

A model is looked up by its `litellm_model`. What the table does not know keeps its price, and so does a price whose
line ends in a comment: somebody has looked at it and said why it is what it is.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import unified_diff
from math import isclose
from pathlib import Path
from typing import Any

import yaml

from rl_router.errors import PoolError
from rl_router.observe.files import write_text
from rl_router.pool.spec import TOKENS_PER_PRICE, parse_specs

COLUMNS = {
    "input_usd_per_mtok": "input_cost_per_token",
    "cached_input_usd_per_mtok": "cache_read_input_token_cost",
    "output_usd_per_mtok": "output_cost_per_token",
}
MODEL = re.compile(r"^(\s*)- +name:")
LINE = re.compile(r"^(\s*(?:- +)?)(\w+):( +)([^#\n]*?)([ \t]*(?:#.*)?)$")


@dataclass(frozen=True, kw_only=True)
class Refreshed:
    """A pool file as it would be. `unknown` names the models that the table does not price."""

    path: Path
    old: str
    new: str
    unknown: tuple[str, ...]

    @property
    def diff(self) -> str:
        lines = unified_diff(
            self.old.splitlines(keepends=True), self.new.splitlines(keepends=True), str(self.path), str(self.path)
        )
        return "".join(lines)

    def write(self) -> None:
        """Whole or not at all."""
        write_text(self.path, self.new)


def refreshed(path: Path, table: Mapping[str, Mapping[str, Any]], *, date: str, source: str) -> Refreshed:
    """`path` with the prices of `table` (USD per token, as litellm has them); nothing is written yet."""
    try:
        old = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise PoolError(f"The pool file {path} cannot be read ({error}); name a YAML file.") from None
    lines = old.split("\n")
    specs = parse_specs(yaml.safe_load(old), where=f"pool file {path}")
    starts = [number for number, line in enumerate(lines) if MODEL.match(line)]
    if len(starts) != len(specs):
        raise PoolError(f"The pool file {path} is not written one key a line, `- name:` first; write it so.")
    unknown = []
    for spec, start, end in zip(specs, starts, [*starts[1:], len(lines)], strict=True):
        entry = table.get(spec.litellm_model or "")
        if entry is None:
            unknown.append(spec.name)
        elif _set_prices(lines, start, end, entry):
            _set(lines, start, end, "price_date", date)
            _set(lines, start, end, "price_source", source)
    new = "\n".join(lines)
    parse_specs(yaml.safe_load(new), where=f"pool file {path} with new prices")  # a bug here must not break a file
    return Refreshed(path=path, old=old, new=new, unknown=tuple(unknown))


def _set_prices(lines: list[str], start: int, end: int, entry: Mapping[str, Any]) -> bool:
    """Whether any price of the model in lines `start` to `end` changed."""
    changed = False
    for key, column in COLUMNS.items():
        usd_per_token = entry.get(column)
        at = _find(lines, start, end, key)
        if usd_per_token is None or at is None:
            continue
        match = LINE.match(lines[at])
        assert match is not None
        usd = float(usd_per_token) * TOKENS_PER_PRICE
        if not match[5].strip() and not isclose(float(match[4]), usd, rel_tol=1e-9):
            _set(lines, start, end, key, _money(usd))
            changed = True
    return changed


def _set(lines: list[str], start: int, end: int, key: str, value: str) -> None:
    at = _find(lines, start, end, key)
    if at is not None:
        lines[at] = LINE.sub(lambda match: f"{match[1]}{match[2]}:{match[3]}{value}{match[5]}", lines[at])


def _find(lines: list[str], start: int, end: int, key: str) -> int | None:
    return next((n for n in range(start, end) if (match := LINE.match(lines[n])) and match[2] == key), None)


def _money(usd: float) -> str:
    """Two decimals at least, more where the price has them."""
    whole, _, rest = f"{usd:.6f}".rstrip("0").partition(".")
    return f"{whole}.{rest:0<2}"
