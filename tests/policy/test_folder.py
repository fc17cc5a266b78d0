"""A policy folder is whole or refused in one sentence, and a save that fails leaves none behind."""

import json
import shutil

import pytest
import torch
from safetensors.torch import load_file, save_file

from rl_router.errors import CheckpointError
from rl_router.policy.folder import Policy, PolicyCard, load_policy, save_policy

CARD = {"cost_weights": [0.0, 0.5], "mode": "orchestrate", "task": "world"}


@pytest.fixture
def folder(policy_folder, tmp_path):
    return shutil.copytree(policy_folder, tmp_path / "policy")


def refusal(folder):
    with pytest.raises(CheckpointError) as caught:
        load_policy(folder)
    sentence = str(caught.value)
    assert "\n" not in sentence and str(folder) in sentence
    return sentence


def test_what_is_saved_is_what_is_loaded(policy, tmp_path):
    save_policy(policy, tmp_path / "saved")
    again = load_policy(tmp_path / "saved")
    assert again.card == policy.card == PolicyCard(cost_weights=(0.0, 0.5, 2.0), mode="orchestrate", task="world")
    for name, weight in policy.model.state_dict().items():
        assert torch.equal(again.model.state_dict()[name], weight)
    assert {p.suffix for p in (tmp_path / "saved").iterdir()} <= {".json", ".safetensors", ".jinja"}


@pytest.mark.parametrize(
    "name", ["model.safetensors", "config.json", "tokenizer.json", "tokenizer_config.json", "policy.json"]
)
def test_a_file_that_is_cut_in_half_or_missing_is_refused(folder, name):
    whole = (folder / name).read_bytes()
    (folder / name).write_bytes(whole[: len(whole) // 2])
    assert "cut off" in refusal(folder)
    (folder / name).unlink()
    refusal(folder)


def test_a_folder_that_is_not_there_is_refused(tmp_path):
    assert "train the run first" in refusal(tmp_path / "none")


@pytest.mark.parametrize(
    "card",
    [
        [],
        {},
        CARD | {"cost_weights": "0.5"},
        CARD | {"cost_weights": [0.5, -1.0]},
        CARD | {"cost_weights": [None]},
        CARD | {"mode": "guess"},
        CARD | {"task": 3},
        CARD | {"code": "import os"},
    ],
)
def test_a_card_that_says_something_else_is_refused(folder, card):
    (folder / "policy.json").write_text(json.dumps(card))
    assert "policy.json needs" in refusal(folder)


def test_weights_without_one_tensor_are_refused_and_not_filled_with_random_numbers(folder):
    weights = load_file(folder / "model.safetensors")
    del weights["model.layers.1.mlp.down_proj.weight"]
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    assert "model.layers.1.mlp.down_proj.weight" in refusal(folder)


def test_a_model_that_lacks_rows_for_the_tokenizer_is_refused(folder):
    weights = load_file(folder / "model.safetensors")
    weights["model.embed_tokens.weight"] = weights["model.embed_tokens.weight"][:100].clone()
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | {"vocab_size": 100}))
    assert "not of one policy" in refusal(folder)


def test_a_save_that_fails_leaves_no_folder_and_keeps_the_one_before(policy, tmp_path):
    class FullDisk:
        def save_pretrained(self, folder):
            raise OSError("no space left on device")

    broken = Policy(model=policy.model, tokenizer=FullDisk(), card=policy.card)
    with pytest.raises(OSError, match="no space"):
        save_policy(broken, tmp_path / "new")
    assert not (tmp_path / "new").exists()
    save_policy(policy, tmp_path / "old")
    with pytest.raises(OSError, match="no space"):
        save_policy(broken, tmp_path / "old")
    assert load_policy(tmp_path / "old").card == policy.card
    save_policy(policy, tmp_path / "new")
    assert sorted(p.name for p in tmp_path.iterdir()) == [".old.partial", "new", "old"]
