"""Bags of words without a vocabulary: needs no model, no fitting and no download, and is the same everywhere."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from rl_router.encoders.batches import in_batches


@dataclass(frozen=True)
class HashingEncoder:
    """Words and pairs of words, each hashed to one of `dim` signed places (https://arxiv.org/abs/0902.2206)."""

    dim: int = 1024
    revision = "words-and-pairs-1"

    @property
    def name(self) -> str:
        return f"hashing:{self.dim}"

    def encode(self, texts: Sequence[str]) -> np.ndarray:
        def rows(batch: list[str]) -> np.ndarray:
            return self._vectorizer.transform(batch).toarray()

        return in_batches(texts, rows, dim=self.dim, size=4096, label=self.name)

    @cached_property
    def _vectorizer(self) -> Any:
        from sklearn.feature_extraction.text import HashingVectorizer

        # One letter or digit is a word too: "2 + 2" is a question.
        words = r"(?u)\b\w+\b"
        return HashingVectorizer(n_features=self.dim, ngram_range=(1, 2), token_pattern=words, dtype=np.float32)
