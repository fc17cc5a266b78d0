"""How long and how dear one episode may get. Running into a limit ends it and is never a format error by itself."""

from __future__ import annotations

from dataclasses import dataclass, fields

from rl_router.errors import RecipeError

SMALLEST_REPLY_TOKENS = 3
"""The two tags and one token between them."""


@dataclass(frozen=True, kw_only=True)
class Limits:
    """`max_turns` counts the turn that answers. `max_response_tokens` counts all that follows the prompt, replies too.

    `max_turn_tokens` bounds one sampled turn, `max_reply_tokens` one rendered reply with its tags, `worker_tokens` what
    a model may write (None: what it likes). Calls of one turn beyond `max_calls_per_turn` are answered, not made.
    Turns whose calls all failed by the server's fault are not counted, up to `forgiven_turns` of an episode.
    """

    __pydantic_config__ = {"extra": "forbid"}
    max_turns: int = 4
    max_prompt_tokens: int = 64
    max_response_tokens: int = 128
    max_turn_tokens: int = 32
    max_reply_tokens: int = 24
    max_calls_per_turn: int = 4
    worker_tokens: int | None = None
    forgiven_turns: int = 2
    episode_budget_usd: float | None = None

    def __post_init__(self) -> None:
        for name in (f.name for f in fields(self) if f.name.startswith("max_")):
            least = SMALLEST_REPLY_TOKENS if name == "max_reply_tokens" else 1
            if getattr(self, name) < least:
                raise RecipeError(f"Expected limits.{name} of at least {least}, got {getattr(self, name)}.")
        if self.worker_tokens is not None and self.worker_tokens < 1:
            raise RecipeError(f"Expected limits.worker_tokens of at least 1, got {self.worker_tokens}.")
        if self.forgiven_turns < 0:
            raise RecipeError(f"Expected limits.forgiven_turns of zero or more, got {self.forgiven_turns}.")
        if self.episode_budget_usd is not None and not self.episode_budget_usd >= 0:
            raise RecipeError(f"Expected limits.episode_budget_usd of zero or more, got {self.episode_budget_usd}.")
