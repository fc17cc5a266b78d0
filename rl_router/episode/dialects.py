"""The dialects by the names that recipes give them: plain values that make a dialect over a tokenizer."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from rl_router.episode.described import DescribedPool
from rl_router.episode.dialect import Dialect
from rl_router.episode.router_r1 import RouterR1Tags, prompt_text, worker_text
from rl_router.episode.tokens import TokenCodec, Tokenizer
from rl_router.episode.tools import ToolCalls, rules_text

_FORBID = {"extra": "forbid"}


@dataclass(frozen=True, kw_only=True)
class Compact:
    """Router-R1's tags as one token each and nothing else: for tiny policies with a tokenizer of their own."""

    __pydantic_config__ = _FORBID
    kind: Literal["compact"] = "compact"

    def over(self, tokenizer: Tokenizer) -> Dialect:
        return TokenCodec(tokenizer)


@dataclass(frozen=True, kw_only=True)
class Tags:
    """Router-R1 over a chat model. `prompt`: qwen, llama, or a text file with {names}, {descriptions}, {question}.

    `worker_prompt`: router_r1 tells a model what the query is for, none sends the query alone, a file has {query}.
    """

    __pydantic_config__ = _FORBID
    kind: Literal["tags"] = "tags"
    prompt: str = "qwen"
    worker_prompt: str = "router_r1"

    def __post_init__(self) -> None:
        for name, built_in in (("prompt", ("qwen", "llama")), ("worker_prompt", ("none", "router_r1"))):
            value = getattr(self, name)
            if value not in built_in:  # the trainer's processes work in the run folder
                object.__setattr__(self, name, str(Path(value).expanduser().absolute()))
        prompt_text(self.prompt)
        worker_text(self.worker_prompt)

    def over(self, tokenizer: Tokenizer) -> Dialect:
        return RouterR1Tags(tokenizer, prompt_text(self.prompt), worker_text(self.worker_prompt))


@dataclass(frozen=True, kw_only=True)
class Tools:
    """xRouter: models are functions. task.mode=decide is its simple mode, orchestrate its agent mode.

    `rules` is a text file that stands in the system prompt for the built-in rules of the mode.
    """

    __pydantic_config__ = _FORBID
    kind: Literal["tools"] = "tools"
    rules: str | None = None

    def __post_init__(self) -> None:
        if self.rules is not None:
            object.__setattr__(self, "rules", str(Path(self.rules).expanduser().absolute()))
            rules_text(self.rules)

    def over(self, tokenizer: Tokenizer) -> Dialect:
        return ToolCalls(tokenizer, rules_text(self.rules))


@dataclass(frozen=True, kw_only=True)
class Described:
    """Compact, with the sample's models listed in the prompt under letters, by price and measured skill."""

    __pydantic_config__ = _FORBID
    kind: Literal["described"] = "described"

    def over(self, tokenizer: Tokenizer) -> Dialect:
        return DescribedPool(tokenizer)


DialectSetting = Compact | Described | Tags | Tools
