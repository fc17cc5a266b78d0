"""A transformer that reads a text into one vector, with the tokenizer that belongs to it.

Loading runs no code from a folder or a hub: configuration and tokenizer are JSON, weights are safetensors.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers
from transformers import AutoModel, AutoTokenizer, BertConfig, LlamaConfig, PreTrainedTokenizerFast
from transformers.utils import logging as transformers_logging

from rl_router.encoders.folders import PACKAGED, model_folder
from rl_router.errors import CheckpointError
from rl_router.routers.networks.training import reproducible

PADDING, UNKNOWN = "[PAD]", "[UNK]"
TINY_WORDS = 4000
TINY_SHAPE = {"hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 2, "num_attention_heads": 4}
TINY = {"tiny-encoder": BertConfig, "tiny-decoder": LlamaConfig}
"""Untrained architectures whose vocabulary is the texts' own words; nothing needs to be downloaded for them."""


@dataclass(frozen=True, kw_only=True)
class Tower:
    """`pooling` says whose state stands for a text: the first token's, or the last's, which has read all others."""

    model: Any
    tokenizer: Any
    pooling: str
    max_tokens: int

    @property
    def dim(self) -> int:
        return int(self.model.config.hidden_size)

    def tokens(self, texts: Sequence[str]) -> list[list[int]]:
        """The first `max_tokens` tokens of each text, at least one."""
        read = self.tokenizer(list(texts), truncation=True, max_length=self.max_tokens)["input_ids"]
        return [ids or [self.tokenizer.pad_token_id] for ids in read]

    def vectors(self, tokens: Sequence[Sequence[int]]) -> torch.Tensor:
        """[b, d] of one batch, with gradients when they are on."""
        lengths = torch.tensor([len(ids) for ids in tokens])
        width, padding = int(lengths.max()), self.tokenizer.pad_token_id
        ids = torch.tensor([[*row, *[padding] * (width - len(row))] for row in tokens])
        mask = (torch.arange(width) < lengths[:, None]).long()
        states = self.model(input_ids=ids, attention_mask=mask).last_hidden_state  # [b, t, d]
        return states[:, 0] if self.pooling == "first" else states[torch.arange(len(tokens)), lengths - 1]

    def encode(self, texts: Sequence[str], batch_size: int = 32) -> np.ndarray:
        """[n, d] float32 without gradients, on one thread; texts of like length are read together."""
        tokens = self.tokens(texts)
        found = np.zeros((len(tokens), self.dim), np.float32)
        order = sorted(range(len(tokens)), key=lambda i: len(tokens[i]))
        self.model.eval()
        with torch.no_grad(), reproducible(0):
            for start in range(0, len(order), batch_size):
                rows = order[start : start + batch_size]
                found[rows] = self.vectors([tokens[i] for i in rows]).numpy()
        return found

    def save(self, folder: Path) -> None:
        transformers_logging.disable_progress_bar()
        self.model.save_pretrained(folder)
        self.tokenizer.save_pretrained(folder)


def new_tower(name: str, texts: Sequence[str], *, pooling: str, max_tokens: int) -> Tower:
    """The untrained tower that TINY names, with the words of `texts`, or a pretrained one by its folder or hub name."""
    if name not in TINY:
        place = model_folder(name, kind="tune") if name in PACKAGED else name
        return load_tower(place, pooling=pooling, max_tokens=max_tokens)
    tokenizer = _word_tokenizer(texts)
    config = TINY[name](
        vocab_size=len(tokenizer), pad_token_id=tokenizer.pad_token_id, max_position_embeddings=max_tokens, **TINY_SHAPE
    )
    with reproducible(0):
        model = AutoModel.from_config(config)
    return Tower(model=model, tokenizer=tokenizer, pooling=pooling, max_tokens=max_tokens)


def load_tower(place: str | Path, *, pooling: str, max_tokens: int) -> Tower:
    """From a folder or a hub name. CheckpointError, in one sentence, where there is none or none that is whole."""
    transformers_logging.disable_progress_bar()
    local = Path(place).is_dir()
    try:
        model, found = AutoModel.from_pretrained(
            place,
            dtype=torch.float32,
            use_safetensors=True,
            trust_remote_code=False,
            local_files_only=local,
            output_loading_info=True,
        )
        tokenizer = AutoTokenizer.from_pretrained(place, trust_remote_code=False, local_files_only=local)
    except Exception as error:  # safetensors, json, the hub and transformers each raise their own
        reason = " ".join(str(error).split())[:200].rstrip(".") or type(error).__name__
        raise CheckpointError(f"no transformer can be read from {place} ({reason})") from None
    missing = sorted(name for name in found["missing_keys"] if "pooler" not in name)  # no router reads the pooler
    if missing:  # transformers would fill them with random numbers
        raise CheckpointError(f"the transformer in {place} lacks {len(missing)} tensors, {missing[0]} among them")
    if tokenizer.pad_token is None:
        tokenizer.pad_token = tokenizer.eos_token
    return Tower(model=model, tokenizer=tokenizer, pooling=pooling, max_tokens=max_tokens)


def _word_tokenizer(texts: Sequence[str]) -> Any:
    """Lower-case words and signs, the commonest first; ties by the alphabet, so that the order of texts has no say."""
    normalizer, splitter = normalizers.Lowercase(), pre_tokenizers.Whitespace()
    counts = Counter(word for text in texts for word, _ in splitter.pre_tokenize_str(normalizer.normalize_str(text)))
    common = sorted(counts, key=lambda word: (-counts[word], word))[:TINY_WORDS]
    words = [PADDING, UNKNOWN, *(word for word in common if word not in (PADDING, UNKNOWN))]
    tokenizer = Tokenizer(models.WordLevel({word: i for i, word in enumerate(words)}, unk_token=UNKNOWN))
    tokenizer.normalizer, tokenizer.pre_tokenizer = normalizer, splitter
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, unk_token=UNKNOWN, pad_token=PADDING)
