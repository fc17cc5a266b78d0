"""Similarity to every query of a table: words that many queries share by one dense product, the others sparsely.

A word that half of the table has makes a sparse product as long as a dense one, and dearer for each of its entries.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from scipy import sparse

from rl_router.routers.features import Vectors

BLOCK_BYTES = 16 << 20
"""Of similarities at a time: larger ones spend as long in fetching fresh memory as in the product."""
COMMON = 8
"""A term is common that at least one of so many queries has. Its dense row is at most four times its sparse one."""


@dataclass(frozen=True, kw_only=True)
class Index:
    """`rare` is None where the vectors were dense: then every column is common."""

    common: np.ndarray  # [c, n]
    rare: sparse.csr_matrix | None  # [d, n], without the rows that are common
    place: np.ndarray  # [d] which row of `common`, −1 for rare terms

    @staticmethod
    def of(vectors: Vectors) -> Index:
        """From [n, d] vectors."""
        if not sparse.issparse(vectors):
            return Index(common=vectors.T, rare=None, place=np.arange(vectors.shape[1]))
        columns = vectors.T.tocsr()
        of_term = np.diff(columns.indptr)
        common = np.flatnonzero(of_term * COMMON >= max(vectors.shape[0], 1))
        place = np.full(vectors.shape[1], -1)
        place[common] = np.arange(len(common))
        keep = np.repeat(place < 0, of_term)
        rare = sparse.csr_matrix(
            (columns.data[keep], columns.indices[keep], np.concatenate([[0], np.cumsum(of_term * (place < 0))])),
            shape=columns.shape,
        )
        return Index(common=columns[common].toarray(), rare=rare, place=place)

    def similarities(self, vectors: Vectors) -> Iterator[np.ndarray]:
        """Blocks [b, n] of the cosines of [q, d] vectors with all of the table, each of at most `BLOCK_BYTES`."""
        rows = max(1, BLOCK_BYTES // (4 * max(1, self.common.shape[1])))
        for start in range(0, vectors.shape[0], rows):
            block = vectors if vectors.shape[0] <= rows else vectors[start : start + rows]
            yield block @ self.common if self.rare is None else self._of_sparse(block, self.rare)

    def _of_sparse(self, block: sparse.csr_matrix, rare: sparse.csr_matrix) -> np.ndarray:
        row_of, place = _rows(block), self.place[block.indices]
        is_common = place >= 0
        dense = np.zeros((block.shape[0], len(self.common)), dtype=self.common.dtype)  # [b, c]
        dense[row_of[is_common], place[is_common]] = block.data[is_common]
        found: np.ndarray = dense @ self.common
        others = block @ rare
        found[_rows(others), others.indices] += others.data
        return found


def _rows(matrix: sparse.csr_matrix) -> np.ndarray:
    """The row of each entry."""
    return np.repeat(np.arange(matrix.shape[0]), np.diff(matrix.indptr))
