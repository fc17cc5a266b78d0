"""Token in, token out: the one place where text becomes token ids and back, and it never re-tokenises a sampled turn.

`TextCodec` encodes text that others wrote without letting it act. `TokenCodec` is the compact dialect of tiny policies:
every tag of it is one token, so a prompt or reply is `[tag] + plain text + [tag]`, and plain text can hold no tag.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any, Protocol

from rl_router.episode import tags
from rl_router.episode.dialect import Action, Answer, Left, Observation, Opening, Route
from rl_router.errors import CheckpointError
from rl_router.pool.spec import ModelSpec

CHARACTERS_PER_TOKEN = 16
"""No tokenizer packs more into its average token, so text beyond this is cut before the work of encoding it."""


class Tokenizer(Protocol):
    """What is used of a Hugging Face tokenizer."""

    eos_token: Any
    eos_token_id: Any
    pad_token_id: Any
    unk_token_id: Any
    all_special_ids: Any
    added_tokens_decoder: Any
    chat_template: Any

    def encode(self, text: str, *, add_special_tokens: bool) -> list[int]: ...
    def decode(self, token_ids: list[int], **options: Any) -> Any: ...
    def get_added_vocab(self) -> dict[str, int]: ...
    def apply_chat_template(self, conversation: Any, **options: Any) -> Any: ...


class TextCodec:
    """Encodes and decodes exactly. CheckpointError for a tokenizer that cannot end a text."""

    def __init__(self, tokenizer: Tokenizer):
        self.tokenizer = tokenizer
        if tokenizer.eos_token_id is None:
            raise CheckpointError("The tokenizer has no end-of-text token; set eos_token (such as <eos>) and save it.")
        self.eos = str(tokenizer.eos_token)
        special = (i for i, token in tokenizer.added_tokens_decoder.items() if token.special)
        self._control = {*special, *tokenizer.all_special_ids}
        if tokenizer.unk_token_id not in (tokenizer.eos_token_id, tokenizer.pad_token_id):
            self._control.discard(tokenizer.unk_token_id)  # an unknown word has no power, unlike an end of the text

    def encode(self, text: str) -> list[int]:
        """Ids of text that we wrote, tags included, with nothing added at either end."""
        return list(self.tokenizer.encode(text, add_special_tokens=False))

    def decode(self, ids: Sequence[int]) -> str:
        return str(self.tokenizer.decode(list(ids), skip_special_tokens=False, clean_up_tokenization_spaces=False))

    def plain(self, text: str, max_tokens: int) -> list[int]:
        """At most `max_tokens` ids of text that someone else wrote. None of them is a control token."""
        cut = tags.neutralise(text[: CHARACTERS_PER_TOKEN * max_tokens])
        return [i for i in self.encode(cut) if i not in self._control][:max_tokens]

    def is_control(self, token_id: int) -> bool:
        """Whether a token has power that no text of others may have, as the end of a turn has."""
        return token_id in self._control

    def loses_end(self, text: str, room: int) -> bool:
        """Whether `plain` of `room` tokens loses the end of `text`."""
        return len(text) > CHARACTERS_PER_TOKEN * room or len(self.plain(text, room + 1)) > room


class TokenCodec(TextCodec):
    """The compact dialect over one tokenizer. CheckpointError if a tag is not a single token of it."""

    stop_texts: tuple[str, ...] = ()
    corrects = False

    def __init__(self, tokenizer: Tokenizer):
        super().__init__(tokenizer)
        self._tags = {tag: self._single(tag) for tag in tags.TAGS}
        self._weights = {t: i for t, i in tokenizer.get_added_vocab().items() if tags.COST_WEIGHT.fullmatch(t)}
        self.tells_budget = any(text.startswith("<budget_usd=") for text in self._weights)
        self.stop_ids = (self._tags[tags.END_SEARCH], self._tags[tags.END_ANSWER], int(tokenizer.eos_token_id))

    def _single(self, tag: str) -> int:
        ids = self.encode(tag)
        if len(ids) != 1 or ids[0] == self.tokenizer.unk_token_id:
            raise CheckpointError(
                f"Expected the tokenizer to hold {tag} as one token, it makes {len(ids)} of it or does not know it; "
                "add the tags to it as special tokens."
            )
        return ids[0]

    @cached_property
    def cost_weights(self) -> tuple[float, ...]:
        """The cost weights that have a token of their own, empty where they are written in plain text."""
        return tuple(sorted(float(text[text.index("=") + 1 : -1]) for text in self._weights))

    def opening(self, opening: Opening, max_tokens: int) -> list[int]:
        return self.prompt(opening.query.text, self._setting(opening), max_tokens)

    def cuts(self, opening: Opening, max_tokens: int) -> bool:
        end = self._end(self._setting(opening))
        return self.loses_end(f" {opening.query.text}", _room(end, max_tokens))

    def _setting(self, opening: Opening) -> float | None:
        return opening.budget_usd if self.tells_budget else opening.cost_weight

    def prompt(self, question: str, cost_weight: float | None, max_tokens: int) -> list[int]:
        """Ids of `tags.render_prompt`. A question that is too long is cut at its end, the tags stay."""
        end = self._end(cost_weight)
        return [self._tags[tags.QUERY], *self.plain(f" {question}", _room(end, max_tokens)), *end]

    def _end(self, cost_weight: float | None) -> list[int]:
        return [self._tags[tags.END_QUERY], *self._cost_weight(cost_weight)]

    def kept(self, token_ids: Sequence[int]) -> int:
        return len(token_ids)

    def ends(self, token_ids: Sequence[int]) -> bool:
        return token_ids[-1] in self.stop_ids

    def parse(self, text: str) -> Action:
        return tags.parse_turn(text, self.eos)

    def spoken(self, thought: str, action: Route | Answer, models: Sequence[ModelSpec]) -> str:
        return tags.render_turn(thought, action)

    def named(self, written: str, models: Sequence[ModelSpec]) -> str:
        return written

    def messages(self, route: Route, query: str) -> tuple[Mapping[str, Any], ...]:
        return ()

    def observed(self, observations: Sequence[Observation], left: Left, max_tokens: int) -> list[int]:
        """A turn of this dialect asks for one thing."""
        [observation] = observations
        return self.reply(observation.text, max_tokens)

    def reply(self, text: str, max_tokens: int) -> list[int]:
        """Ids of `tags.render_reply`, at most `max_tokens` with the two tags."""
        inside = self.plain(f" {text}", max(0, max_tokens - 2))
        return [self._tags[tags.INFORMATION], *inside, self._tags[tags.END_INFORMATION]]

    def _cost_weight(self, cost_weight: float | None) -> list[int]:
        if cost_weight is None:
            return []
        tag = tags.cost_weight_tag(cost_weight, budget=self.tells_budget)
        if self._weights and tag not in self._weights:
            known = ", ".join(f"{w:g}" for w in self.cost_weights)
            raise CheckpointError(
                f"This policy knows the {'budgets' if self.tells_budget else 'cost weights'} {known}, not"
                f" {cost_weight:g}; ask for one of them."
            )
        return self.encode(tag)


def _room(end: Sequence[int], max_tokens: int) -> int:
    """How many tokens a question may have between its opening tag and `end`."""
    return max(0, max_tokens - len(end) - 1)
