"""Vectors of named things (models, queries) in one safetensors file: read without running anything."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import numpy as np

from rl_router.errors import DataError

TENSOR = "vectors"


@dataclass(frozen=True, kw_only=True)
class NamedVectors:
    """`vectors` [n, dim] float32, one row for each of `names`. `about` says in words what they are made of."""

    names: tuple[str, ...]
    vectors: np.ndarray
    about: Mapping[str, str]

    def __post_init__(self) -> None:
        if self.vectors.ndim != 2 or len(self.vectors) != len(self.names):
            raise DataError(f"{len(self.names)} names need as many vectors, got an array of {self.vectors.shape}.")

    def write(self, path: Path) -> None:
        """Whole or not at all."""
        from safetensors.numpy import save_file

        metadata = {**self.about, "names": json.dumps(list(self.names), ensure_ascii=False)}
        partial = path.with_name(f".{path.name}.{uuid4().hex}")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            save_file({TENSOR: np.ascontiguousarray(self.vectors, dtype=np.float32)}, partial, metadata=metadata)
            os.replace(partial, path)
        except OSError as error:
            raise DataError(f"No vectors can be written to {path} ({error.strerror}); name another place.") from None
        finally:
            partial.unlink(missing_ok=True)

    @classmethod
    def read(cls, path: Path) -> NamedVectors:
        from safetensors import SafetensorError, safe_open

        try:
            with safe_open(path, framework="numpy") as file:
                metadata = dict(file.metadata() or {})
                vectors = file.get_tensor(TENSOR)
            names = tuple(json.loads(metadata.pop("names")))
        except (OSError, SafetensorError, KeyError, ValueError) as error:
            reason = " ".join(str(error).split()) or type(error).__name__
            raise DataError(f"{path} holds no named vectors ({reason}); write it again or name another.") from None
        return cls(names=names, vectors=vectors, about=metadata)
