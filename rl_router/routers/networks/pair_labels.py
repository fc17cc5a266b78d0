"""When the small model of a pair is good enough: the three labels of Hybrid LLM (arXiv 2404.14618, section 3).

The gap of a query is H = score of the small model - score of the large one. The paper samples ten answers of each model
for the distribution of H. A routing table has one answer of each, so the gaps of a query's nearest queries stand in for
the other samples; the query itself is the first of them.
"""

from __future__ import annotations

import numpy as np

SHIFTS = np.linspace(0.0, 1.0, 101)
BLOCK_BYTES = 64 << 20
SEARCHED = 10_000


def gap_labels(gaps: np.ndarray, shift: float = 0.0) -> np.ndarray:
    """[n] share of the samples [n, k] in which the small model loses by at most `shift`: equations 2 and 3.

    One sample and no shift make it the deterministic label, several make it the probabilistic one.
    """
    close = 1e-9  # 0.3 - 0.5 is a little below -0.2
    return (gaps >= -shift - close).mean(axis=1)


def best_shift(gaps: np.ndarray) -> float:
    """The smallest shift whose labels differ most among the queries: equation 4.

    When the large model is far better almost every label is 0 and says nothing; a shift spreads them.
    """
    spreads = np.array([mean_difference(gap_labels(gaps, shift)) for shift in SHIFTS])
    return float(SHIFTS[int(np.argmax(spreads > spreads.max() - 1e-12))])


def mean_difference(labels: np.ndarray) -> float:
    """Mean of |label_i - label_j| over all ordered pairs, from the sorted labels."""
    n = len(labels)
    weights = 2.0 * np.arange(1, n + 1) - n - 1.0
    return float(2.0 * (weights * np.sort(labels)).sum() / n**2)


def neighbours(vectors: np.ndarray, samples: int) -> np.ndarray:
    """[n, samples] the row of each unit vector [n, d] itself, then those of its nearest others.

    In large tables the others are looked for among `SEARCHED` rows: a search among all would be quadratic.
    """
    index = np.sort(np.random.default_rng(0).permutation(len(vectors))[:SEARCHED])
    others = min(samples - 1, len(index) - 1)
    found = np.empty((len(vectors), others + 1), dtype=np.int64)
    found[:, 0] = np.arange(len(vectors))
    rows = max(1, BLOCK_BYTES // (4 * len(index)))
    for start in range(0, len(vectors), rows):
        similarity = vectors[start : start + rows] @ vectors[index].T
        itself = np.arange(start, start + len(similarity))[:, None] == index[None, :]
        similarity[itself] = -np.inf
        if others:
            nearest = np.argpartition(-similarity, others - 1, axis=1)[:, :others]
            found[start : start + rows, 1:] = index[nearest]
    return found


def sampled_gaps(gaps: np.ndarray, near: np.ndarray) -> np.ndarray:
    """[n, samples] of gaps [n]; where a neighbour's is unknown the query's own takes its place."""
    return np.where(np.isnan(gaps[near]), gaps[:, None], gaps[near])
