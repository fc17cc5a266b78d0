"""A small tokenizer trained on a task's own training texts, in which every tag is one token.

Digits are single tokens, words carry their leading space, and anything unseen falls back to bytes, so no text is ever
out of vocabulary. Saved and reloaded before use: transformers may rebuild a tokenizer differently from the object in
memory, and the rollout engine only ever sees the saved one.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import AutoTokenizer, PreTrainedTokenizerFast

from rl_router.errors import CheckpointError

PAD, EOS = "<pad>", "<eos>"
_WORD_OR_DIGIT = r" ?\p{L}+| ?\p{N}|[^\p{L}\p{N}]"


def train_tokenizer(texts: Iterable[str], *, tags: Sequence[str], vocab_size: int) -> PreTrainedTokenizerFast:
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(_WORD_OR_DIGIT), "isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocab_size,
        special_tokens=[PAD, EOS, *tags],
        show_progress=False,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
    )
    tokenizer.train_from_iterator(texts, trainer)
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        pad_token=PAD,
        eos_token=EOS,
        additional_special_tokens=list(tags),
        clean_up_tokenization_spaces=False,
        chat_template="{% for message in messages %}{{ message['content'] }}{% endfor %}",
    )


def load_tokenizer(folder: Path) -> Any:
    """Raises CheckpointError when the folder holds no readable tokenizer."""
    try:
        return AutoTokenizer.from_pretrained(folder)
    except Exception as error:
        raise CheckpointError(f"expected a tokenizer in {folder}, but it could not be read: {error}") from error
