"""The tags dialect of Router-R1 (arXiv 2506.09033) over any chat model, as its released checkpoints speak it.

The user's message holds rules, models and question. The policy writes `<think> … </think>` and then either
`<search> NAME: QUERY </search>` or `<answer> … </answer>`, all within one turn of the assistant: replies follow right
there, between `<information>` and `</information>`. Tags are plain text for the model's tokenizer, so a turn ends at a
closing tag as text, and the tokens sampled behind it are left out.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rl_router.episode import tags
from rl_router.episode.chat_template import MARK, ChatTemplate, price_line
from rl_router.episode.dialect import Action, Answer, Left, Malformed, Observation, Opening, Route
from rl_router.episode.instructions import CORRECTION, LLAMA_RULE, ROUTER_R1, WORKER
from rl_router.episode.tokens import TextCodec, Tokenizer
from rl_router.errors import RecipeError
from rl_router.pool.spec import ModelSpec

FAILED = "None"
"""What Router-R1 shows for a call that failed or named no model of its pool."""
PLACES = ("{names}", "{descriptions}", "{question}")
_ACTION = re.compile(r"<(search|answer)>(.*?)</\1>", re.DOTALL)


class RouterR1Tags(TextCodec):
    """`prompt` is "qwen", "llama" or the text of a file with PLACES; `asks_as` what a model is sent, with {query}."""

    stop_texts = (tags.END_SEARCH, tags.END_ANSWER)
    corrects = True

    def __init__(self, tokenizer: Tokenizer, prompt: str, asks_as: str | None):
        super().__init__(tokenizer)
        self.prompt, self.asks_as = prompt, asks_as
        self.chat = ChatTemplate(self, self._messages)
        self.stop_ids = self.chat.stop_ids

    def opening(self, opening: Opening, max_tokens: int) -> list[int]:
        return self.chat.opened(opening, opening.query.text, max_tokens)

    def cuts(self, opening: Opening, max_tokens: int) -> bool:
        return self.chat.cuts(opening, opening.query.text, max_tokens)

    def _messages(self, opening: Opening) -> tuple[list[dict[str, str]], list[Any]]:
        return [{"role": "user", "content": filled(self.prompt, opening.models, price_line(opening))}], []

    def kept(self, token_ids: Sequence[int]) -> int:
        """Up to the token that completes the first closing tag: found by halving, as text only grows."""
        if not self._closes(token_ids):
            return len(token_ids)
        low, high = 1, len(token_ids)
        while low < high:
            middle = (low + high) // 2
            low, high = (low, middle) if self._closes(token_ids[:middle]) else (middle + 1, high)
        return low

    def ends(self, token_ids: Sequence[int]) -> bool:
        return token_ids[-1] in self.stop_ids or self._closes(token_ids)

    def _closes(self, token_ids: Sequence[int]) -> bool:
        text = self.decode(token_ids)
        return any(stop in text for stop in self.stop_texts)

    def parse(self, text: str) -> Action:
        """The first action after the thought. Like Router-R1's own parser, it asks for no order of tags but this."""
        body = self.chat.ended(text)
        found = _ACTION.search(body)
        if found is None:
            return Malformed(f"expected {tags.SEARCH} or {tags.ANSWER}, came {body[-40:]!r}")
        before = body[: found.start()]
        if before.count(tags.THINK) != 1 or not before.rstrip().endswith(tags.END_THINK):
            return Malformed(f"expected one thought, {tags.THINK} … {tags.END_THINK}, before the action")
        kind, inside = found.groups()
        if kind == "answer":
            return Answer(inside.strip())
        model, colon, query = inside.partition(":")
        if not colon or not model.strip() or not query.strip():
            return Malformed(f"expected 'NAME: QUERY' in {tags.SEARCH}, came {inside[:40]!r}")
        return Route(model.strip(), query.strip())

    def spoken(self, thought: str, action: Route | Answer, models: Sequence[ModelSpec]) -> str:
        said = f"{tags.THINK} {thought} {tags.END_THINK}\n"
        if isinstance(action, Answer):
            return f"{said}{tags.ANSWER} {action.text} {tags.END_ANSWER}"
        shown = next((spec.shown_name for spec in models if spec.name == action.model), action.model)
        return f"{said}{tags.SEARCH} {shown}: {action.query} {tags.END_SEARCH}"

    def named(self, written: str, models: Sequence[ModelSpec]) -> str:
        """Case, vendor and punctuation aside; the beginning of a name is enough where it is one model's alone."""
        wanted = _letters(written)
        names = {spec.name: {_letters(name) for name in _names(spec)} for spec in models}
        exact = [name for name, spellings in names.items() if wanted in spellings]
        begun = [name for name, spellings in names.items() if any(s.startswith(wanted) for s in spellings)]
        chosen = exact or (begun if len(begun) == 1 and wanted else [])
        return chosen[0] if chosen else written

    def messages(self, route: Route, query: str) -> tuple[Mapping[str, Any], ...]:
        if self.asks_as is None:
            return ()
        return ({"role": "user", "content": self.asks_as.replace("{query}", query)},)

    def observed(self, observations: Sequence[Observation], left: Left, max_tokens: int) -> list[int]:
        """Router-R1 tells of no remaining turns, and its checkpoints have never seen it told."""
        [observation] = observations
        if not observation.name:
            return self.encode(f"\n{CORRECTION}\n")
        before, after = self.encode(f"\n\n{tags.INFORMATION}"), self.encode(f"{tags.END_INFORMATION}\n\n")
        text = FAILED if observation.failed else observation.text.strip()
        return [*before, *self.plain(text, max(1, max_tokens - len(before) - len(after))), *after]


def prompt_text(prompt: str) -> str:
    """The built-in prompt for a family of models, or a file's; RecipeError for one that lacks a place."""
    if prompt in ("qwen", "llama"):
        return ROUTER_R1.replace("{llama}", LLAMA_RULE if prompt == "llama" else "")
    try:
        text = Path(prompt).expanduser().read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise RecipeError(
            f"Expected dialect.prompt to be qwen, llama or a text file, got {prompt!r}: {error}."
        ) from None
    missing = [place for place in PLACES if place not in text]
    if missing:
        raise RecipeError(f"The prompt in {prompt} lacks {', '.join(missing)}; each stands where its text belongs.")
    return text


def worker_text(worker_prompt: str) -> str | None:
    """`none`: models are sent the query alone; `router_r1`: told what the query is for; or a file with {query}."""
    if worker_prompt in ("none", "router_r1"):
        return WORKER if worker_prompt == "router_r1" else None
    try:
        text = Path(worker_prompt).expanduser().read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise RecipeError(
            f"Expected dialect.worker_prompt to be none, router_r1 or a text file, got {worker_prompt!r}: {error}."
        ) from None
    if "{query}" not in text:
        raise RecipeError(f"The worker prompt in {worker_prompt} lacks {{query}}, the place of the query.")
    return text


def filled(prompt: str, models: Sequence[ModelSpec], price: str) -> str:
    """The prompt with its models and a mark for its question. What the models' texts hold is put in once, not read."""
    values = {
        "{names}": ", ".join(spec.shown_name for spec in models),
        "{descriptions}": "\n\n".join(described(spec) for spec in models),
        "{price}": f"{price}\n" if price else "",
        "{question}": MARK,
    }
    return re.sub("|".join(map(re.escape, values)), lambda found: values[found.group()], prompt)


def described(spec: ModelSpec) -> str:
    """A model's paragraph: what the pool file says of it, and what a call costs."""
    about = spec.description.rstrip(".") or ", ".join(spec.capabilities) or "No description"
    prices = f"${spec.input_usd_per_mtok:g} per million tokens in, ${spec.output_usd_per_mtok:g} out"
    return f"{spec.shown_name}:\n{about}. {prices}."


def _names(spec: ModelSpec) -> tuple[str, ...]:
    return spec.name, spec.name.rpartition("/")[2], spec.shown_name


def _letters(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())
