"""A chat model of a real architecture with random weights: for dry runs, and to measure speed where no weights are.

The shapes of the sizes are those of the published configurations; the tokenizer is trained on the run's own texts in
the format of the family, so prompts and turns take the same paths as a checkpoint's.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

import torch
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import (
    LlamaConfig,
    LlamaForCausalLM,
    PreTrainedTokenizerFast,
    Qwen2Config,
    Qwen2ForCausalLM,
    Qwen2Tokenizer,
)

from rl_router.policy.chat_formats import LLAMA, LLAMA_TOKENS, QWEN, QWEN_TOKENS, QWEN_WORDS
from rl_router.policy.config import UntrainedPolicy

SHAPES: dict[str, dict[str, int]] = {
    "tiny": {"hidden_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4, "num_key_value_heads": 2,
             "intermediate_size": 160, "vocab_size": 0},
    "0.5b": {"hidden_size": 896, "num_hidden_layers": 24, "num_attention_heads": 14, "num_key_value_heads": 2,
             "intermediate_size": 4864, "vocab_size": 151936},
    "3b": {"hidden_size": 2048, "num_hidden_layers": 36, "num_attention_heads": 16, "num_key_value_heads": 2,
           "intermediate_size": 11008, "vocab_size": 151936},
}  # fmt: skip
"""Of Qwen2.5 (https://huggingface.co/Qwen); a vocab_size of 0 is the tokenizer's."""
ROPE_BASE = {"qwen": 1_000_000.0, "llama": 500_000.0}
_LLAMA_SPLIT = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}"
    r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)


def build_untrained(config: UntrainedPolicy, texts: Iterable[str], *, seed: int) -> tuple[Any, Any]:
    """Model and tokenizer. The weights are drawn from `seed`."""
    tokenizer = (_qwen_tokenizer if config.family == "qwen" else _llama_tokenizer)(texts, config.vocab_size)
    shape = SHAPES[config.size]
    shared = {
        **shape,
        "vocab_size": max(shape["vocab_size"], len(tokenizer)),
        "max_position_embeddings": config.max_tokens,
        "rope_theta": ROPE_BASE[config.family],
        "tie_word_embeddings": True,
        "initializer_range": 0.05 if config.size == "tiny" else 0.02,  # 0.02 is meant for wide models
        "bos_token_id": None,
        "eos_token_id": tokenizer.eos_token_id,
        "pad_token_id": tokenizer.pad_token_id,
    }
    torch.manual_seed(seed)
    if config.family == "qwen":
        return Qwen2ForCausalLM(Qwen2Config(**shared)), tokenizer
    return LlamaForCausalLM(LlamaConfig(**shared)), tokenizer


def _qwen_tokenizer(texts: Iterable[str], vocab_size: int) -> Any:
    rules = Qwen2Tokenizer().backend_tokenizer
    trained = Tokenizer(models.BPE())
    trained.normalizer, trained.pre_tokenizer = rules.normalizer, rules.pre_tokenizer
    trained.train_from_iterator(texts, _trainer(vocab_size, QWEN_TOKENS))
    pieces = json.loads(trained.to_str())["model"]
    tokenizer = Qwen2Tokenizer(
        vocab=pieces["vocab"],
        merges=[(left, right) for left, right in pieces["merges"]],
        eos_token="<|im_end|>",
        pad_token="<|endoftext|>",
        unk_token="<|endoftext|>",
        extra_special_tokens=["<|im_start|>"],
        clean_up_tokenization_spaces=False,
        chat_template=QWEN,
    )
    tokenizer.add_tokens([AddedToken(word, normalized=False, special=False) for word in QWEN_WORDS])
    return tokenizer


def _llama_tokenizer(texts: Iterable[str], vocab_size: int) -> Any:
    trained = Tokenizer(models.BPE())
    split = pre_tokenizers.Split(Regex(_LLAMA_SPLIT), behavior="isolated")
    trained.pre_tokenizer = pre_tokenizers.Sequence(
        [split, pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)]
    )
    trained.decoder = decoders.ByteLevel()
    trained.train_from_iterator(texts, _trainer(vocab_size, LLAMA_TOKENS))
    return PreTrainedTokenizerFast(
        tokenizer_object=trained,
        bos_token="<|begin_of_text|>",
        eos_token="<|eot_id|>",
        pad_token="<|end_of_text|>",
        extra_special_tokens=["<|start_header_id|>", "<|end_header_id|>"],
        clean_up_tokenization_spaces=False,
        chat_template=LLAMA,
    )


def _trainer(vocab_size: int, specials: tuple[str, ...]) -> Any:
    return trainers.BpeTrainer(
        vocab_size=vocab_size,
        special_tokens=list(specials),
        show_progress=False,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
    )
