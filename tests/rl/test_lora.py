"""What verl saves of a policy trained with LoRA becomes the plain model that it stands for."""

import json

import pytest
import torch

from rl_router.policy.config import UntrainedPolicy
from rl_router.policy.untrained import build_untrained
from rl_router.rl.checkpoints import load_checkpoint
from rl_router.rl.lora import is_lora, merged

peft = pytest.importorskip("peft")


def test_an_addition_of_rank_one_is_added_at_its_scale():
    layer = "base_model.model.model.layers.0.self_attn.q_proj"
    weights = {
        f"{layer}.base_layer.weight": torch.tensor([[1.0, 0.0], [0.0, 1.0]]),
        f"{layer}.base_layer.bias": torch.tensor([5.0, 6.0]),
        f"{layer}.lora_A.default.weight": torch.tensor([[1.0, 2.0]]),
        f"{layer}.lora_B.default.weight": torch.tensor([[10.0], [20.0]]),
        "base_model.model.model.norm.weight": torch.tensor([3.0]),
    }
    plain = merged(weights, scale=0.5)
    own = "model.layers.0.self_attn.q_proj"
    assert set(plain) == {f"{own}.weight", f"{own}.bias", "model.norm.weight"}
    # 0.5 · [10, 20]ᵀ [1, 2] = [[5, 10], [10, 20]]
    assert plain[f"{own}.weight"].tolist() == [[6.0, 10.0], [10.0, 21.0]]
    assert is_lora(weights) and not is_lora(plain)


def test_a_checkpoint_with_additions_answers_as_the_adapted_model_does(tmp_path):
    model, _ = build_untrained(UntrainedPolicy(), ["a word"], seed=0)
    config = peft.LoraConfig(r=4, lora_alpha=8, target_modules="all-linear")
    adapted = peft.get_peft_model(model, config).eval()
    with torch.no_grad():
        for name, tensor in adapted.named_parameters():
            if "lora_B" in name:  # begins at zero
                tensor.normal_(std=0.1)
    folder = tmp_path / "global_step_1" / "actor" / "huggingface"
    plain, _ = build_untrained(UntrainedPolicy(), ["a word"], seed=0)
    plain.save_pretrained(folder, state_dict=dict(adapted.state_dict()))  # as verl does
    (folder.parent / "lora_train_meta.json").write_text(json.dumps({"r": 4, "lora_alpha": 8, "task_type": "CAUSAL_LM"}))
    ids = torch.arange(12)[None]
    loaded = load_checkpoint(tmp_path / "global_step_1")
    with torch.no_grad():
        torch.testing.assert_close(loaded(ids).logits, adapted(ids).logits)


def test_a_checkpoint_without_additions_is_read_as_it_stands(tmp_path):
    model, _ = build_untrained(UntrainedPolicy(), ["a word"], seed=0)
    model.save_pretrained(tmp_path / "actor" / "huggingface")
    loaded = load_checkpoint(tmp_path)
    assert all(torch.equal(a, b) for a, b in zip(loaded.parameters(), model.parameters(), strict=True))
