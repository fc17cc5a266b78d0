"""How a graph router learns: the calls of a batch are hidden and predicted from the calls of other queries."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import torch
from torch.nn import functional as F

from rl_router.routers.networks.graph import Graph, call_edges, logits, node_states
from rl_router.routers.networks.losses import score_loss
from rl_router.routers.networks.training import values


def hidden_edge_loss(
    network: Mapping[str, torch.Tensor],
    *,
    vectors: np.ndarray,  # [n, d]
    task_of: np.ndarray,  # [n] rows of task_vectors
    task_vectors: np.ndarray,  # [t, d]
    scores: np.ndarray,  # [n, m] NaN where unknown
    costs_usd: np.ndarray,  # [n, m] NaN where unknown
    support: int,
    seed: int,
) -> Callable[[torch.Tensor, bool], torch.Tensor]:
    """A loss for `train`. `support` other queries keep their edges: drawn anew each time while learning, and always the
    same ones otherwise, so that held-out losses can be compared."""
    x, wanted, of, centres = values(vectors), values(scores), torch.tensor(task_of), values(task_vectors)
    edges = {call: values(edge) for call, edge in call_edges(scores, costs_usd).items()}
    rng = np.random.default_rng(seed)

    def loss(rows: torch.Tensor, learning: bool) -> torch.Tensor:
        visible = np.ones(len(vectors), dtype=bool)
        visible[rows.numpy()] = False
        draw = rng if learning else np.random.default_rng(seed)
        others = torch.from_numpy(draw.permutation(np.flatnonzero(visible))[:support])
        graph = Graph(
            vectors=x[others],
            tasks_of=F.one_hot(of[others], len(centres)).float(),
            task_vectors=centres,
            calls={call: edge[others] for call, edge in edges.items()},
        )
        models, tasks = node_states(network, graph)
        return score_loss(
            logits(network, x[rows], F.one_hot(of[rows], len(centres)).float(), models, tasks), wanted[rows]
        )

    return loss
