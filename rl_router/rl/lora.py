"""Low-rank additions put into the weights they were added to: W + (α / r) · B A (arXiv 2106.09685, section 4.1).

verl saves a policy trained with LoRA under PEFT's names, the additions beside the weights, which no engine and no
transformers reads as a model.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from transformers import AutoConfig, AutoModelForCausalLM

from rl_router.errors import CheckpointError

_ADDED = re.compile(r"\.lora_[AB](\.default)?\.weight$")


def is_lora(weights: Mapping[str, torch.Tensor]) -> bool:
    return any(_ADDED.search(name) for name in weights)


def merged(weights: Mapping[str, torch.Tensor], scale: float) -> dict[str, torch.Tensor]:
    """Plain weights under the model's own names. `scale` is α / r."""
    plain = {_own_name(name): tensor for name, tensor in weights.items() if not _ADDED.search(name)}
    for name, down in weights.items():  # down [r, in], up [out, r]
        if ".lora_A." in name:
            up, target = weights[name.replace(".lora_A.", ".lora_B.")], f"{_own_name(name)}.weight"
            base = plain[target]
            plain[target] = (base.float() + scale * up.float() @ down.float()).to(base.dtype)
    return plain


def _own_name(name: str) -> str:
    return _ADDED.sub("", name.removeprefix("base_model.model.")).replace(".base_layer.", ".")


def load_merged(folder: Path, scale: float) -> Any:
    """The float32 model in `folder`, whose weights verl saved with their additions apart."""
    weights: dict[str, torch.Tensor] = {}
    try:
        for file in sorted(folder.glob("*.safetensors")):
            weights |= load_file(file)
        config = AutoConfig.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
        model = AutoModelForCausalLM.from_config(config).float()
        missing, unknown = model.load_state_dict(merged(weights, scale), strict=False)
    except Exception as error:  # safetensors, json, torch and transformers each raise their own
        raise CheckpointError(f"the checkpoint in {folder} cannot be read ({error}); it may be cut off") from error
    model.tie_weights()
    tied = set(model.all_tied_weights_keys or {})
    if unknown or set(missing) - tied:
        raise CheckpointError(
            f"the checkpoint in {folder} lacks or exceeds the weights of its model: {missing + unknown}"
        )
    return model
