"""A model of the pool as its YAML states it: name, tier, prices in USD per million tokens, nothing left to guess."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from datetime import date
from difflib import get_close_matches
from math import isfinite
from pathlib import Path
from typing import Any

import yaml

from rl_router.errors import PoolError
from rl_router.paths import pools_dir
from rl_router.types import Usage

TOKENS_PER_PRICE = 1_000_000


@dataclass(frozen=True, kw_only=True)
class ModelSpec:
    """What a router may know of a model before calling it. A cached input token costs the input price unless stated."""

    name: str
    input_usd_per_mtok: float
    output_usd_per_mtok: float
    cached_input_usd_per_mtok: float | None = None
    tier: str = ""
    context_tokens: int | None = None
    max_output_tokens: int | None = None
    capabilities: tuple[str, ...] = ()
    description: str = ""
    endpoint: str | None = None
    """Where it is served, up to and with `/v1`. None: at the default endpoint of the pool."""
    api_model: str | None = None
    """What its endpoint calls it, where that is not `name`."""
    litellm_model: str | None = None
    """What litellm calls it: for calls through litellm and for its table of prices."""
    shown_as: str | None = None
    """What a policy that reads its pool is told to call it. None: `name`, without the vendor before its last slash."""
    provider: str | None = None
    """Whose key it takes, as in TOGETHER_API_KEY. None: whoever serves the endpoint."""
    takes_temperature: bool = True
    price_date: str = ""
    price_source: str = ""
    simulation: Mapping[str, Any] | None = field(default=None, hash=False)
    """Read by the simulated backend alone: `skills` per task (one probability per difficulty), `completion_tokens`."""

    @property
    def shown_name(self) -> str:
        return self.shown_as or self.name.rpartition("/")[2]

    def price(self, usage: Usage) -> float:
        """USD for `usage`: fresh input, cached input and output tokens, each at its own price."""
        fresh_usd, cached_usd = self.input_usd_per_mtok, self.cached_input_usd_per_mtok
        if cached_usd is None:
            cached_usd = fresh_usd
        fresh_tokens = usage.prompt_tokens - usage.cached_tokens
        input_usd = fresh_tokens * fresh_usd + usage.cached_tokens * cached_usd
        return (input_usd + usage.completion_tokens * self.output_usd_per_mtok) / TOKENS_PER_PRICE


KEYS = tuple(f.name for f in fields(ModelSpec))
NEEDED = ("input_usd_per_mtok", "output_usd_per_mtok")
NUMBERS = (
    "input_usd_per_mtok", "cached_input_usd_per_mtok", "output_usd_per_mtok", "context_tokens", "max_output_tokens",
)  # fmt: skip
TEXTS = (
    "tier", "description", "endpoint", "api_model", "litellm_model", "shown_as", "provider", "price_date",
    "price_source",
)  # fmt: skip


def pool_path(pool: str) -> Path:
    """A YAML file by its path, or by its name in recipes/pool."""
    for path in (Path(pool).expanduser(), pools_dir() / f"{pool}.yaml"):
        if path.is_file():
            return path
    known = ", ".join(sorted(path.stem for path in pools_dir().glob("*.yaml")))
    raise PoolError(f"There is no pool {pool!r}; give the path of a YAML file or one of the names {known or '(none)'}.")


def anchored(pool: str) -> str:
    """`pool` with a path to a file made absolute, so that it means that file wherever a process works; a name stays."""
    path = Path(pool).expanduser()
    return str(path.absolute()) if path.is_file() else pool


def load_specs(path: Path | str) -> tuple[ModelSpec, ...]:
    """The models of a pool file `models: [{name: …, input_usd_per_mtok: …}, …]`, or a PoolError in one sentence."""
    path = Path(path)
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise PoolError(f"The pool file {path} cannot be read ({error.strerror}); name a YAML file.") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        reason = " ".join(str(error).split())
        raise PoolError(f"The pool file {path} is not valid YAML: {reason}; correct that line.") from None
    return parse_specs(content, where=f"pool file {path}")


def parse_specs(content: object, *, where: str) -> tuple[ModelSpec, ...]:
    """Like `load_specs`, from parsed YAML. `where` names the source in errors."""
    content = content if isinstance(content, dict) else {}
    entries = content.get("models")
    if not isinstance(entries, list) or not entries:
        raise PoolError(f"The {where} needs a list under the key 'models' with at least one model.")
    unknown = sorted(str(key) for key in content if key != "models")
    if unknown:
        raise PoolError(f"The {where} has the unknown key {unknown[0]!r} beside 'models'; remove it.")
    specs = tuple(_parse_spec(entry, index, where) for index, entry in enumerate(entries, start=1))
    check_names(specs, where=where)
    return specs


def check_names(specs: Iterable[ModelSpec], *, where: str) -> None:
    seen: set[str] = set()
    for spec in specs:
        if spec.name in seen:
            raise PoolError(f"The {where} holds two models named {spec.name!r}; give each its own name.")
        seen.add(spec.name)


def _parse_spec(entry: object, index: int, where: str) -> ModelSpec:
    if not isinstance(entry, dict) or not isinstance(entry.get("name"), str) or not entry["name"].strip():
        raise PoolError(f"Model {index} of the {where} needs a 'name' that is a text, in a mapping of keys to values.")
    model = f"Model {entry['name']!r} of the {where}"
    for key in entry:
        if key not in KEYS:
            close = get_close_matches(str(key), KEYS, n=1)
            hint = f"did you mean {close[0]!r}?" if close else f"the keys are {', '.join(KEYS)}."
            raise PoolError(f"{model} has the unknown key {str(key)!r}; {hint}")
    for key in NEEDED:
        if entry.get(key) is None:
            raise PoolError(f"{model} has no {key}; state its price in USD per million tokens (0 if it is free).")
    for key in NUMBERS:
        _check_number(entry.get(key), key, model)
    if isinstance(entry.get("price_date"), date):  # YAML reads 2025-11-24 as a date
        entry = entry | {"price_date": entry["price_date"].isoformat()}
    for key in TEXTS:
        if not isinstance(entry.get(key), str | None):
            raise PoolError(f"{model} has {key} = {entry[key]!r}; write a text.")
    capabilities = entry.get("capabilities") or []
    if not isinstance(capabilities, list) or not all(isinstance(c, str) for c in capabilities):
        raise PoolError(f"{model} has capabilities = {capabilities!r}; write a list of texts.")
    if not isinstance(entry.get("takes_temperature", True), bool):
        raise PoolError(f"{model} has takes_temperature = {entry['takes_temperature']!r}; write true or false.")
    if not isinstance(entry.get("simulation"), dict | None):
        raise PoolError(f"{model} has simulation = {entry['simulation']!r}; write a mapping with 'skills'.")
    stated = {key: value for key, value in entry.items() if value is not None}
    return ModelSpec(**(stated | {"capabilities": tuple(capabilities)}))


def _check_number(value: object, key: str, model: str) -> None:
    if value is None:
        return
    if isinstance(value, bool) or not isinstance(value, int | float) or not isfinite(value):
        raise PoolError(f"{model} has {key} = {value!r}; write a plain number such as 0.15.")
    if value < 0:
        raise PoolError(f"{model} has {key} = {value!r}; it cannot be negative.")
