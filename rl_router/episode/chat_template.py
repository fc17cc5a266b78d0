"""A model's own chat template as token ids around what others wrote.

The template is rendered with marks where a question or a reply belongs and cut there: its pieces are encoded as they
stand, control tokens included, and what others wrote is encoded apart, without power. Nothing sampled passes through.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any

from rl_router.episode.dialect import Opening
from rl_router.episode.tokens import TextCodec
from rl_router.errors import CheckpointError, RecipeError

MARK = "%%rl-router%%"
"""Stands for text of others while a template is rendered; it is made of characters that no template changes."""


class ChatTemplate:
    """`messages` gives the messages and tools of an opening, with a mark for the question.

    `turn_end` is what the template puts after an assistant's turn, `<|im_end|>` for Qwen and `<|eot_id|>` for Llama.
    CheckpointError for a tokenizer without a template that this works for.
    """

    def __init__(self, codec: TextCodec, messages: Callable[[Opening], tuple[list[dict[str, str]], list[Any]]]):
        self.codec, self.messages = codec, messages
        if not getattr(codec.tokenizer, "chat_template", None):
            raise CheckpointError(
                "The tokenizer has no chat template, which this dialect renders its prompts with; use an instruct model"
                " or add a chat_template to its tokenizer_config.json."
            )
        asked = [{"role": "user", "content": "?"}, {"role": "assistant", "content": MARK}]
        after = codec.encode(self.rendered(asked, answered=True).rpartition(MARK)[2].strip())
        if not after or not codec.is_control(after[0]):
            raise CheckpointError(
                "The chat template ends an assistant's turn with no token of its own, so nothing can say when a turn is"
                " over; use a model whose template does, as Qwen's and Llama's do."
            )
        self.turn_end = codec.decode(after[:1])
        self.stop_ids = tuple(dict.fromkeys((after[0], int(codec.tokenizer.eos_token_id))))
        self._pieces = lru_cache(maxsize=1024)(self._encoded)

    def rendered(
        self, messages: Sequence[Mapping[str, Any]], tools: Sequence[Any] = (), *, answered: bool = False
    ) -> str:
        """The conversation as text. Unless it is `answered`, it ends where the assistant's next turn begins."""
        options: dict[str, Any] = {"tools": list(tools)} if tools else {}
        conversation = [dict(message) for message in messages]
        options |= {"tokenize": False, "add_generation_prompt": not answered}
        return str(self.codec.tokenizer.apply_chat_template(conversation, **options))

    def opened(self, opening: Opening, question: str, max_tokens: int) -> list[int]:
        """Ids of the prompt with `question` at its mark. One that is too long loses its end. RecipeError when there is
        no room for any."""
        before, after = self._pieces(_Shape(opening))
        return [*before, *self.codec.plain(question, self._room(opening, max_tokens)), *after]

    def cuts(self, opening: Opening, question: str, max_tokens: int) -> bool:
        return self.codec.loses_end(question, self._room(opening, max_tokens))

    def _room(self, opening: Opening, max_tokens: int) -> int:
        rules = sum(map(len, self._pieces(_Shape(opening))))
        if rules >= max_tokens:
            raise RecipeError(
                f"The rules and the {len(opening.models)} models of a prompt take {rules} tokens, and"
                f" limits.max_prompt_tokens={max_tokens} leaves none for a question; raise it or name fewer models."
            )
        return max_tokens - rules

    def ended(self, text: str) -> str:
        """A turn's text without what ends it."""
        return text.rstrip().removesuffix(self.turn_end).removesuffix(self.codec.eos).strip()

    def _encoded(self, shape: _Shape) -> tuple[list[int], list[int]]:
        before, mark, after = self.rendered(*self.messages(shape.opening)).partition(MARK)
        if not mark:
            raise CheckpointError(
                "The chat template leaves out the user's message, so there is no place for a question; use another."
            )
        return self.codec.encode(before), self.codec.encode(after)


class _Shape:
    """An opening but for its question: prompts that differ in nothing else share their pieces."""

    def __init__(self, opening: Opening):
        self.opening = opening
        self.key = (opening.models, opening.cost_weight, opening.budget_usd, opening.max_turns, opening.mode)

    def __hash__(self) -> int:
        return hash(self.key)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Shape) and self.key == other.key


def price_line(opening: Opening) -> str:
    """What a policy that can read is told of the price level, empty when it is told nothing."""
    parts = []
    if opening.cost_weight is not None:
        parts.append(
            f"Cost weight: {opening.cost_weight:g}. At 0 only a right answer counts; at 1 one call to the strongest"
            " model costs as much as a right answer is worth."
        )
    if opening.budget_usd is not None:
        parts.append(f"Budget: ${opening.budget_usd:g} for all calls together.")
    return " ".join(parts)
