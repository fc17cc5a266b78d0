"""Text features that learn: a transformer which a router tunes along with itself, and saves with itself.

In a folder it is what transformers writes: JSON and safetensors. Nothing else in there is read, and none of it is run.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import numpy as np
from pydantic import Field

from rl_router.errors import CheckpointError
from rl_router.routers.features import Features
from rl_router.routers.learned import learned

if TYPE_CHECKING:
    from rl_router.routers.networks.tower import Tower

READ = (".json", ".safetensors", ".txt", ".model", ".jinja")
"""Configuration, weights, and the vocabularies of tokenizers; a chat template is written along and never rendered."""


@dataclass(kw_only=True)
class Tuned(Features):
    """One vector per text: the state of the token that `pooling` says, "first" of an encoder or "last" of a decoder.

    `model` is a folder, a hub name, or one of the untrained architectures tiny-encoder and tiny-decoder, whose
    vocabulary is made of the texts that it is fitted on.
    """

    kind: Literal["tuned"] = "tuned"
    model: str
    pooling: Literal["first", "last"] = "first"
    max_tokens: Annotated[int, Field(ge=1)] = 256
    dim_: int = learned()

    def fit(self, texts: Sequence[str]) -> Tuned:
        """The transformer as it is before a router has tuned it."""
        from rl_router.routers.networks.tower import new_tower

        self.tower: Tower = new_tower(self.model, texts, pooling=self.pooling, max_tokens=self.max_tokens)
        self.dim_ = self.tower.dim
        return self

    def __call__(self, texts: Sequence[str]) -> np.ndarray:
        return self.tower.encode(texts)

    @property
    def size(self) -> int:
        return self.dim_

    def _write_files(self, folder: Path) -> None:
        folder.mkdir()
        self.tower.save(folder)

    def _read_files(self, folder: Path) -> None:
        from rl_router.routers.networks.tower import load_tower

        if not folder.is_dir():
            raise CheckpointError(f"its transformer is missing: there is no {folder.name}")
        if folder.is_symlink():
            raise CheckpointError(f"{folder.name} leads outside the folder")
        for path in folder.rglob("*"):
            if not path.resolve().is_relative_to(folder.resolve()):
                raise CheckpointError(f"{path.name} leads outside the folder")
            if path.suffix not in READ:
                raise CheckpointError(f"{path.name} has no place among the files of a transformer")
        self.tower = load_tower(folder, pooling=self.pooling, max_tokens=self.max_tokens)

    def _restored(self) -> None:
        if self.dim_ != self.tower.dim:
            raise ValueError(f"its transformer gives {self.tower.dim} numbers a text and not {self.dim_}")
