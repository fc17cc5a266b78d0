"""model2vec: one fixed vector per token, averaged. As fast as hashing and close to a small transformer in quality."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from rl_router.encoders.batches import in_batches, unit_rows
from rl_router.encoders.folders import folder_revision
from rl_router.errors import EncoderError


@dataclass(frozen=True)
class StaticEncoder:
    """The model in `folder` (https://github.com/MinishLab/model2vec); needs no torch."""

    name: str
    folder: Path

    @cached_property
    def revision(self) -> str:
        return folder_revision(self.folder)

    @property
    def dim(self) -> int:
        return int(self._model.dim)

    def encode(self, texts: Sequence[str]) -> np.ndarray:
        return in_batches(texts, self._rows, dim=self.dim, size=1024, label=self.name)

    def _rows(self, batch: list[str]) -> np.ndarray:
        return unit_rows(self._model.encode(batch))

    @cached_property
    def _model(self) -> Any:
        try:
            from model2vec import StaticModel
        except ImportError:
            raise EncoderError(f"The encoder {self.name} needs model2vec: pip install 'rl-router[encoders]'.") from None
        try:
            return StaticModel.from_pretrained(self.folder)
        except Exception as error:
            raise unreadable(self.name, self.folder, error) from error


def unreadable(name: str, folder: Path, error: Exception) -> EncoderError:
    reason = (" ".join(str(error).split()) or type(error).__name__)[:200]
    return EncoderError(f"The encoder {name} cannot be read from {folder} ({reason}); name a folder of that kind.")
