"""What a dialect is: how a prompt, a turn of the policy and the replies look as tokens, and what a turn asks for.

An environment knows these values and the protocol, and no tag or tool. `compact` (tokens.py), `tags` (router_r1.py) and
`tools` (tools.py) are the dialects that there are; another one is another file like these.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from rl_router.pool.spec import ModelSpec
from rl_router.types import CallStatus, Mode, Query

SERVERS_FAULT = (CallStatus.TIMEOUT, CallStatus.RATE_LIMITED, CallStatus.FAILED, CallStatus.UNREADABLE)
"""How a call ends that no other words of the policy would have saved."""


@dataclass(frozen=True, kw_only=True)
class Opening:
    """What a prompt may tell: the question, who can be asked, and the price level or the money that there is."""

    query: Query
    models: tuple[ModelSpec, ...]
    cost_weight: float | None
    budget_usd: float | None
    max_turns: int
    mode: Mode


@dataclass(frozen=True, slots=True)
class Route:
    """Ask `model` the `query`, which may be a reference such as `same` (see `episode.task.References`), or None: the
    question as it stands.

    `system_prompt` and `temperature` are what the policy chose for this call, where its dialect lets it choose.
    """

    model: str
    query: str | None
    system_prompt: str = ""
    temperature: float | None = None


@dataclass(frozen=True, slots=True)
class BadCall:
    """A call that cannot be made. `reason` is the answer to it: the policy reads what was wrong and goes on."""

    reason: str


@dataclass(frozen=True, slots=True)
class Calls:
    """What one turn asks for, in the order in which it is answered."""

    calls: tuple[Route | BadCall, ...]


LAST = "last"
"""As the name of a call: the last one that was answered."""


@dataclass(frozen=True, slots=True)
class Select:
    """End the episode with a reply as it stands: `call` names it, by its number or its model, or is LAST."""

    call: str


@dataclass(frozen=True, slots=True)
class Answer:
    """End the episode with `text`."""

    text: str


@dataclass(frozen=True, slots=True)
class Malformed:
    """The policy broke the grammar; `reason` says where."""

    reason: str


Action = Route | Calls | Select | Answer | Malformed


@dataclass(frozen=True, slots=True)
class Observation:
    """What one call came to. `name` tells the calls of an episode apart; empty for a call that was never made."""

    text: str
    name: str = ""
    model: str = ""
    failed: bool = False


def no_reply(status: CallStatus) -> str:
    """What a policy reads of a call that failed."""
    return f"no reply; {status.value.replace('_', ' ')}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Left:
    """What the policy has left after this turn. `budget_usd` None: no limit was set."""

    turns: int
    budget_usd: float | None = None


class Dialect(Protocol):
    """One per tokenizer and process. Token in, token out: text is parsed from what was sampled, never encoded again.

    `stop_ids` end a turn; so does `stop_texts`, for grammars whose closing tags are no tokens of their own. `corrects`
    says whether a malformed turn is told what was wrong and goes on; else it ends the episode.
    """

    @property
    def stop_ids(self) -> tuple[int, ...]: ...

    @property
    def stop_texts(self) -> tuple[str, ...]: ...

    @property
    def corrects(self) -> bool: ...

    def opening(self, opening: Opening, max_tokens: int) -> list[int]:
        """Ids of a prompt. A question that is too long loses its end, the rest stays."""
        ...

    def cuts(self, opening: Opening, max_tokens: int) -> bool:
        """Whether that question loses its end."""
        ...

    def kept(self, token_ids: Sequence[int]) -> int:
        """How many tokens of a sampled turn belong to it: those up to and with the one that completes a stop text."""
        ...

    def ends(self, token_ids: Sequence[int]) -> bool:
        """Whether a turn came to its end, or was cut off at its last token."""
        ...

    def parse(self, text: str) -> Action: ...

    def spoken(self, thought: str, action: Route | Answer, models: Sequence[ModelSpec]) -> str:
        """A turn as text, of which `parse` makes that action: what demonstrations are made of."""
        ...

    def encode(self, text: str) -> list[int]: ...

    def named(self, written: str, models: Sequence[ModelSpec]) -> str:
        """The model that the policy means by what it wrote; what it wrote where it means none."""
        ...

    def messages(self, route: Route, query: str) -> tuple[Mapping[str, Any], ...]:
        """The conversation that a model is sent for `query`; empty where the query alone says it all."""
        ...

    def observed(self, observations: Sequence[Observation], left: Left, max_tokens: int) -> list[int]:
        """Ids of what follows a turn, at most `max_tokens` for each observation."""
        ...

    def loses_end(self, text: str, room: int) -> bool:
        """Whether `text` of others has more than `room` tokens."""
        ...

    def decode(self, ids: Sequence[int]) -> str: ...
