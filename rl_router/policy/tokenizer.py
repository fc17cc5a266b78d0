"""A small tokenizer trained on a task's own training texts, in which every tag is one token.

It splits text as Qwen2 does: digits are single tokens, most words carry their leading space, and anything unseen falls
back to bytes, so no text is ever out of vocabulary. That is not a choice: transformers 5 reads the tokenizer of every
Qwen2-shaped model back with Qwen2's own rules, so one trained by other rules would come back as another tokenizer.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from tokenizers import AddedToken, Tokenizer, models, pre_tokenizers, trainers
from transformers import AutoTokenizer, Qwen2Tokenizer

from rl_router.errors import CheckpointError

PAD, EOS = "<pad>", "<eos>"
UNKNOWN = "<|endoftext|>"
"""Qwen2 adds this to any vocabulary that lacks it, and then the model has no embedding for it."""


def train_tokenizer(
    texts: Iterable[str], *, tags: Sequence[str], vocab_size: int, names: Sequence[str] = ()
) -> Qwen2Tokenizer:
    """`tags` become special tokens, `names` ordinary ones that take the space before them along."""
    rules = Qwen2Tokenizer().backend_tokenizer
    trained = Tokenizer(models.BPE())
    trained.normalizer, trained.pre_tokenizer = rules.normalizer, rules.pre_tokenizer
    trainer = trainers.BpeTrainer(
        vocab_size=vocab_size,
        special_tokens=[PAD, EOS, UNKNOWN, *tags],
        show_progress=False,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
    )
    trained.train_from_iterator(texts, trainer)
    pieces = json.loads(trained.to_str())["model"]
    tokenizer = Qwen2Tokenizer(
        vocab=pieces["vocab"],
        merges=[(left, right) for left, right in pieces["merges"]],
        pad_token=PAD,
        eos_token=EOS,
        unk_token=UNKNOWN,
        extra_special_tokens=list(tags),
        clean_up_tokenization_spaces=False,
        chat_template="{% for message in messages %}{{ message['content'] }}{% endfor %}",
    )
    tokenizer.add_tokens([AddedToken(name, lstrip=True, normalized=False, special=False) for name in names])
    return tokenizer


def load_tokenizer(folder: Path) -> Any:
    """Raises CheckpointError when the folder holds no readable tokenizer."""
    for name in ("tokenizer.json", "tokenizer_config.json"):
        if not (folder / name).is_file():  # transformers would make up a tokenizer from what is left
            raise CheckpointError(f"expected a tokenizer with {name} in {folder}, but there is none; copy it again")
    try:
        return AutoTokenizer.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
    except Exception as error:
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".")
        raise CheckpointError(
            f"the tokenizer in {folder} cannot be read ({reason}); it may be cut off: copy it again"
        ) from error
