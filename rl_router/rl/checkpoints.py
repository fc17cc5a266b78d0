"""Which of verl's checkpoints is whole. A run that was killed goes on from the last one that is."""

from __future__ import annotations

import re
import zipfile
from pathlib import Path
from typing import Any

from rl_router.observe.files import read_json


def step_of(checkpoint: Path) -> int:
    return int(checkpoint.name.removeprefix("global_step_"))


def last_whole_checkpoint(folder: Path, through: int | None = None) -> Path | None:
    """The newest `global_step_N` that was saved to its end, of those up to step `through`. None if there is none.

    verl writes the dataloader's state after the model, and torch files are zip archives whose table of contents comes
    last: with `data.pt` there and every table readable, nothing was cut off.
    """
    found = [p for p in folder.glob("global_step_*") if re.fullmatch(r"global_step_\d+", p.name)]
    wanted = (p for p in found if through is None or step_of(p) <= through)
    return next((p for p in sorted(wanted, key=step_of, reverse=True) if _is_whole(p)), None)


def _is_whole(checkpoint: Path) -> bool:
    shards = list((checkpoint / "actor").glob("model_world_size_*_rank_*.pt"))
    files = [*shards, *(checkpoint / "actor").glob("optim_*.pt"), checkpoint / "data.pt"]
    return bool(shards) and all(f.is_file() and zipfile.is_zipfile(f) for f in files)


def load_checkpoint(checkpoint: Path) -> Any:
    """The policy of a checkpoint as a plain model, additions of LoRA merged. CheckpointError in one sentence."""
    from rl_router.policy.folder import load_model
    from rl_router.rl.lora import load_merged

    folder, lora = checkpoint / "actor" / "huggingface", checkpoint / "actor" / "lora_train_meta.json"
    if not lora.is_file():
        return load_model(folder)
    stated = read_json(lora)
    return load_merged(folder, stated["lora_alpha"] / stated["r"])
