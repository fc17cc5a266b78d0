"""Sticky sessions: a conversation keeps its model, and so the provider's prompt cache, unless a switch pays.

What a provider has cached of a conversation costs the cached price with the model that read it, and the full price with
any other. Both are part of the predicted cost, so the cost weight decides how much a cold cache matters.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

import numpy as np

from rl_router.pool.spec import TOKENS_PER_PRICE, ModelSpec
from rl_router.routers.rule import Candidates
from rl_router.serving.extras import Extras
from rl_router.serving.job import Sticky
from rl_router.serving.json_bytes import dumps
from rl_router.types import Usage


@dataclass(frozen=True, kw_only=True, slots=True)
class Conversation:
    """`tokens` of it have been read or written by `model`, at `seen_s`."""

    model: str
    tokens: int
    seen_s: float
    gain: float
    specs: Mapping[str, ModelSpec]

    def costs_usd(self, models: Sequence[str], costs_usd: np.ndarray) -> np.ndarray:
        """[m] `costs_usd`, which know only the last message, with what the turns before it cost each model."""
        return costs_usd + np.array([self._history_usd(self.specs[model]) for model in models])

    def keeps(self, candidates: Candidates, better: str) -> bool:
        """Whether `better` is not so much better that the switch pays."""
        if self.model not in candidates.models:
            return False
        utility = candidates.utility[0]
        gain = utility[candidates.models.index(better)] - utility[candidates.models.index(self.model)]
        return bool(gain <= self.gain)

    def _history_usd(self, spec: ModelSpec) -> float:
        price = spec.input_usd_per_mtok
        if spec.name == self.model and spec.cached_input_usd_per_mtok is not None:
            price = spec.cached_input_usd_per_mtok
        return self.tokens * price / TOKENS_PER_PRICE


class Sessions:
    """The conversations of the last minutes, the least recently used forgotten first. No text is kept."""

    def __init__(self, setting: Sticky, specs: Mapping[str, ModelSpec]) -> None:
        self._setting, self._specs = setting, specs
        self._known: OrderedDict[bytes, tuple[str, int, float]] = OrderedDict()

    def find(self, key: bytes | None, now_s: float) -> Conversation | None:
        found = self._known.get(key) if key is not None else None
        if found is None:
            return None
        model, tokens, seen_s = found
        if now_s - seen_s > self._setting.idle_s or model not in self._specs:
            del self._known[key]  # type: ignore[arg-type]
            return None
        return Conversation(model=model, tokens=tokens, seen_s=seen_s, gain=self._setting.gain, specs=self._specs)

    def remember(self, key: bytes | None, model: str, usage: Usage, now_s: float) -> None:
        if key is None:
            return
        self._known[key] = model, usage.prompt_tokens + usage.completion_tokens, now_s
        self._known.move_to_end(key)
        while len(self._known) > self._setting.conversations:
            self._known.popitem(last=False)


def conversation_key(messages: Sequence[Any], extras: Extras, account: str, cache_key: object) -> bytes:
    """What the turns of one conversation share: the id that the client gives, or else how it began.

    The beginning goes up to and with the first message of the person, which every later turn repeats.
    """
    named = extras.session_id or (cache_key if isinstance(cache_key, str) else None)
    digest = blake2b(account.encode(), digest_size=16)
    if named:
        digest.update(b"\0id\0" + named.encode("utf-8", "surrogatepass"))
        return digest.digest()
    first = next((i for i, m in enumerate(messages) if isinstance(m, Mapping) and m.get("role") == "user"), 0)
    digest.update(dumps([extras.user, list(messages[: first + 1])]))
    return digest.digest()
