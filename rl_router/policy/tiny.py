"""The tiny policy: a Qwen2-shaped decoder of about 0.14 M parameters, so that the laptop runs the cluster's code."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from transformers import PreTrainedTokenizerFast, Qwen2Config, Qwen2ForCausalLM

from rl_router.policy.config import TinyPolicy


def set_in_order(model: Qwen2ForCausalLM, tokens: Sequence[int]) -> None:
    """Let the embeddings of `tokens` begin on a path from the first one to the last, all of about one length."""
    rows = model.get_input_embeddings().weight
    with torch.no_grad():
        first, last = rows[tokens[0]].clone(), rows[tokens[-1]].clone()
        for i, token in enumerate(tokens):
            share = i / max(1, len(tokens) - 1)
            rows[token] = ((1 - share) * first + share * last) / math.hypot(1 - share, share)


def build_tiny(config: TinyPolicy, tokenizer: PreTrainedTokenizerFast, *, seed: int) -> Qwen2ForCausalLM:
    """A float32 model with random weights drawn from `seed`."""
    torch.manual_seed(seed)
    model = Qwen2ForCausalLM(
        Qwen2Config(
            vocab_size=len(tokenizer),
            hidden_size=config.hidden_size,
            num_hidden_layers=config.layers,
            num_attention_heads=config.heads,
            num_key_value_heads=config.kv_heads,
            intermediate_size=config.intermediate_size,
            max_position_embeddings=config.max_tokens,
            tie_word_embeddings=True,
            initializer_range=0.05,  # the default 0.02 is meant for wide models and learns slowly at width 64
            bos_token_id=None,
            eos_token_id=tokenizer.eos_token_id,
            pad_token_id=tokenizer.pad_token_id,
        )
    )
    return model.float()
