"""When the small model of a pair is good enough: the three labels of Hybrid LLM (arXiv 2404.14618, section 3).

The gap of a query is H = score of the small model - score of the large one. The paper samples ten answers of each model
for the distribution of H. A routing table has one answer of each, so the gaps of a query's nearest queries stand in for
the other samples; the query itself is the first of them.
"""

from __future__ import annotations

import numpy as np

SHIFTS = np.linspace(0.0, 1.0, 101)
BLOCK_BYTES = 64 << 20


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


def neighbour_gaps(gaps: np.ndarray, vectors: np.ndarray, samples: int) -> np.ndarray:
    """[n, samples] the gap of each query and of its nearest others, from gaps [n] and unit vectors [n, d]."""
    samples = min(samples, len(gaps))
    found = np.empty((len(gaps), samples))
    rows = max(1, BLOCK_BYTES // (4 * len(gaps)))
    for start in range(0, len(gaps), rows):
        similarity = vectors[start : start + rows] @ vectors.T
        at = np.arange(len(similarity))
        similarity[at, start + at] = np.inf  # first among its own samples
        nearest = np.argpartition(-similarity, samples - 1, axis=1)[:, :samples]
        found[start : start + rows] = gaps[nearest]
    return found
