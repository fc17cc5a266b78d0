"""What the learned routers minimise. NaN in `scores` is unknown and adds nothing, to the loss or to its gradient."""

from __future__ import annotations

import torch
from torch.nn import functional as F

NOTHING = -1e9
"""The logarithm of the weight of a model that takes no part. -inf would make the gradient NaN where none takes part."""


def score_loss(logits: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
    """Cross-entropy of sigmoid(logits) [b, m] against scores in [0, 1]; at its minimum the sigmoid is their mean."""
    known = ~scores.isnan()
    return F.binary_cross_entropy_with_logits(logits[known], scores[known]) if known.any() else logits.sum() * 0.0


def preference_loss(strengths: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
    """Bradley-Terry over every pair of models of a query: RouteLLM (arXiv 2406.18665), equation 4, with soft labels.

    The label of (a, b) is (1 + score_a - score_b) / 2, so that a tie says "equal" instead of naming a winner, and
    2 sigmoid(strength_a - strength_b) - 1 estimates the expected lead of a over b.
    """
    labels = (1.0 + scores[:, :, None] - scores[:, None, :]) / 2.0  # [b, m, m]
    margins = strengths[:, :, None] - strengths[:, None, :]
    pairs = torch.triu(torch.ones(labels.shape[1:], dtype=torch.bool), diagonal=1)
    return score_loss(margins[:, pairs], labels[:, pairs])


def model_contrast(similarity: torch.Tensor, scores: torch.Tensor, *, positives: int, negatives: int) -> torch.Tensor:
    """Sample-LLM loss of RouterDC (arXiv 2409.19886, equation 3), summed over a query's positives.

    Positive are its `positives` best models unless they score 0, negative its `negatives` worst that score below 0.5.
    Models that tie for the last place share it, so that their order decides nothing. Shapes are [b, m].
    """
    known = ~scores.isnan()
    positive = _shared_places(scores.nan_to_num(-1.0), positives) * (known & (scores > 0.0))
    negative = _shared_places(-scores.nan_to_num(2.0), negatives) * (known & (scores < 0.5))
    against = similarity + negative.log().clamp(min=NOTHING)
    rest = torch.logsumexp(against, dim=1, keepdim=True)
    return (positive * (torch.logaddexp(similarity, rest) - similarity)).sum(dim=1).mean()


def _shared_places(values: torch.Tensor, places: int) -> torch.Tensor:
    """[b, m] weights that sum to `places` a row: 1 for the highest, equal shares for those that tie for the rest."""
    places = min(places, values.shape[1])
    last = values.topk(places, dim=1).values[:, -1:]
    above, tied = values > last, values == last
    left = places - above.sum(dim=1, keepdim=True)
    return above + tied * left / tied.sum(dim=1, keepdim=True)


def group_contrast(vectors: torch.Tensor, groups: torch.Tensor, *, negatives: int) -> torch.Tensor:
    """Sample-sample loss of RouterDC (arXiv 2409.19886, equation 4): close to one query of one's own group.

    `vectors` [b, d] have length one and `groups` [b] are whole numbers. The positive and the `negatives` of other
    groups are drawn from the batch; a query without either is left out.
    """
    own = groups[:, None] == groups[None, :]
    others = own & ~torch.eye(len(groups), dtype=torch.bool)
    usable = others.any(dim=1) & ((~own).sum(dim=1) >= negatives)
    if not usable.any():
        return vectors.sum() * 0.0
    chance = torch.rand(own.shape)
    friend = chance.masked_fill(~others, -1.0).topk(1, dim=1).indices
    strangers = chance.masked_fill(own, -1.0).topk(min(negatives, len(groups)), dim=1).indices
    similarity = (vectors @ vectors.T).gather(1, torch.cat([friend, strangers], dim=1))  # [b, 1 + negatives]
    return -F.log_softmax(similarity[usable], dim=1)[:, 0].mean()
