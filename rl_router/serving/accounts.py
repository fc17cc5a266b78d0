"""Who may ask, how often and for how much. Of a key only its SHA-256 is kept; keys are random, so no salt is needed.

A keys file, of which everything but name and sha256 may be left out:

    keys:
      - name: alice
        sha256: 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08
        budget_usd: 5.0            # in all
        requests_per_minute: 60
        admin: false
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Annotated

import yaml
from pydantic import Field, TypeAdapter, ValidationError

from rl_router.errors import RecipeError
from rl_router.pool.budget import Budget
from rl_router.serving.errors import ApiError
from rl_router.serving.spent import SpentFile

SCHEME = "bearer "


@dataclass(frozen=True, kw_only=True)
class KeyEntry:
    """One key of a keys file."""

    __pydantic_config__ = {"extra": "forbid"}
    name: Annotated[str, Field(min_length=1)]
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    budget_usd: Annotated[float, Field(ge=0.0, allow_inf_nan=False)] | None = None
    requests_per_minute: Annotated[float, Field(gt=0.0, allow_inf_nan=False)] | None = None
    admin: bool = False
    """May reload the gateway."""


class Account:
    """One key's owner. The rate is a bucket that holds a minute's requests and fills evenly."""

    def __init__(
        self, name: str, *, budget_usd: float | None = None, per_minute: float | None = None, is_admin: bool = False
    ) -> None:
        self.name, self.is_admin = name, is_admin
        self.budget = None if budget_usd is None else Budget(budget_usd, name=f"{name}'s")
        self._per_s = None if per_minute is None else per_minute / 60.0
        self._most = self._left = max(1.0, per_minute or 0.0)
        self._filled_s: float | None = None

    def admit(self, now_s: float) -> None:
        """ApiError with 429 when the account is spent or asks too often."""
        if self.budget is not None and self.budget.left_usd <= 0:
            message = f"the budget of {self.budget.limit_usd:g} USD of this key is spent"
            raise ApiError(429, message, code="insufficient_quota")
        if self._per_s is None:
            return
        if self._filled_s is not None:
            self._left = min(self._most, self._left + (now_s - self._filled_s) * self._per_s)
        self._filled_s = now_s
        if self._left < 1.0:
            message = f"more than {self._per_s * 60:g} requests a minute with this key"
            raise ApiError(429, message, code="rate_limit_exceeded", retry_after_s=(1.0 - self._left) / self._per_s)
        self._left -= 1.0

    def pay(self, cost_usd: float) -> None:
        if self.budget is not None:
            self.budget.settle(cost_usd)


ANYBODY = Account("")


class Accounts:
    """The accounts of a keys file; without one anybody may ask. `workers` processes share the rate of a key evenly."""

    def __init__(self, path: Path | None, *, workers: int = 1) -> None:
        self._accounts: dict[str, Account] = {}
        self._open = path is None
        self._spent: SpentFile | None = None
        if path is None:
            return
        for entry in read_keys_file(path):
            rate = None if entry.requests_per_minute is None else entry.requests_per_minute / workers
            self._accounts[entry.sha256] = Account(
                entry.name, budget_usd=entry.budget_usd, per_minute=rate, is_admin=entry.admin
            )
        if any(account.budget is not None for account in self._accounts.values()):
            self._spent = SpentFile(path.with_name(f"{path.name}.spent.sqlite"))
            self.share()

    def of(self, headers: Mapping[bytes, bytes]) -> Account:
        """Whose key came with the request; ApiError with 401 for none or an unknown one."""
        if self._open:
            return ANYBODY
        value = headers.get(b"authorization", b"").decode("latin-1").strip()
        key = value[len(SCHEME) :].strip() if value.lower().startswith(SCHEME) else ""
        if not key:
            raise ApiError(401, "no API key was given: send it as Authorization: Bearer KEY", code="invalid_api_key")
        account = self._accounts.get(digest(key))
        if account is None:
            raise ApiError(401, "this API key is not known here", code="invalid_api_key")
        return account

    def share(self) -> None:
        """Write what was spent here, and read what was spent in all: restarts and other processes count."""
        if self._spent is None:
            return
        budgets = {a.name: a.budget for a in self._accounts.values() if a.budget is not None}
        for name, total_usd in self._spent.share({name: b.spent_usd for name, b in budgets.items()}).items():
            budgets[name].spent_usd = total_usd

    def close(self) -> None:
        if self._spent is not None:
            self.share()
            self._spent.close()


def read_keys_file(path: Path) -> list[KeyEntry]:
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
        entries = content["keys"] if isinstance(content, dict) else None
        found = checked_entries(entries)
    except OSError as error:
        raise RecipeError(f"the keys file {path} cannot be read ({error.strerror})") from None
    except (yaml.YAMLError, UnicodeDecodeError, KeyError):
        raise RecipeError(f"the keys file {path} is not YAML with a list under 'keys'") from None
    except ValidationError as error:
        first = error.errors(include_input=False)[0]  # what stands there may be a key
        where = ".".join(map(str, first["loc"]))
        raise RecipeError(f"the keys file {path} does not fit at keys.{where}: {first['msg']}") from None
    for what in ("name", "sha256"):
        values = [getattr(entry, what) for entry in found]
        if len(set(values)) != len(values):
            raise RecipeError(f"the keys file {path} has two keys of one {what}")
    return found


def checked_entries(entries: object) -> list[KeyEntry]:
    """ValidationError, which is a ValueError, for what is no list of entries."""
    return TypeAdapter(list[KeyEntry]).validate_python(entries)


def new_key() -> str:
    return f"sk-rlr-{secrets.token_urlsafe(32)}"


def digest(key: str) -> str:
    return sha256(key.encode("utf-8", "surrogatepass")).hexdigest()
