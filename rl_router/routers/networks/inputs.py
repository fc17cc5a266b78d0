"""From texts to what a network reads, and from a folder's arrays to a network of the right shapes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from rl_router.errors import RecipeError
from rl_router.routers.features import Features, Tfidf, make_features


def dense_features(name: str, texts: Sequence[str]) -> Features:
    """Text features fitted on `texts`, or a RecipeError for sparse ones."""
    features = make_features(name, tunes=True)
    if isinstance(features, Tfidf):
        raise RecipeError(f"a network reads dense vectors and features={name} are sparse: use lsa:256 or an encoder")
    return features.fit(texts)


def check_shapes(found: Mapping[str, np.ndarray], expected: Mapping[str, np.ndarray]) -> None:
    """ValueError unless both hold arrays of the same names and shapes."""
    shapes = [{name: array.shape for name, array in arrays.items()} for arrays in (found, expected)]
    if shapes[0] != shapes[1]:
        name = min(name for name, _ in shapes[0].items() ^ shapes[1].items())
        raise ValueError(f"the network has {name} of shape {shapes[0].get(name)} instead of {shapes[1].get(name)}")
