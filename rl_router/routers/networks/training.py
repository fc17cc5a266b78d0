"""The one training loop of the learned routers: mini-batches, AdamW, and the best epoch on held-out rows is kept.

The same seed gives the same weights on the same machine: one thread, its own random numbers, and rows that the router
has put into an order of their own before.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from contextlib import contextmanager

import numpy as np

from rl_router.errors import RecipeError
from rl_router.observe.console import StepProgress
from rl_router.routers.features import Features
from rl_router.routers.networks.schedule import Schedule

try:
    import torch
except ImportError:
    raise RecipeError(
        "this router is trained with torch, which is not installed: pip install 'rl-router[neural]'"
    ) from None

Loss = Callable[[torch.Tensor, bool], torch.Tensor]
"""Mean loss of these rows [b]; the flag says whether it will be learned from (True) or only looked at."""


def train(
    parameters: Mapping[str, torch.Tensor], loss: Loss, rows: int, schedule: Schedule, seed: int, label: str
) -> None:
    """Fit `parameters` in place to `rows` rows. With too few rows to hold any out, the last epoch counts."""
    rng = np.random.default_rng(seed)
    order = rng.permutation(rows)
    held_out, learned = np.split(order, [int(rows * schedule.validation_share)])
    optimiser = torch.optim.AdamW(
        list(parameters.values()), lr=schedule.learning_rate, weight_decay=schedule.weight_decay
    )
    best, best_loss, waited = _copies(parameters), math.inf, 0
    with reproducible(seed), StepProgress(label, schedule.max_epochs) as progress:
        for epoch in range(schedule.max_epochs):
            spent = _one_pass(parameters, loss, rng.permutation(learned), schedule.batch_size, optimiser)
            found = _mean_loss(loss, held_out, schedule.batch_size) if len(held_out) else -epoch
            progress.update(epoch + 1, {"loss": found if len(held_out) else spent})
            if found < best_loss:
                best, best_loss, waited = _copies(parameters), found, 0
            else:
                waited += 1
                if waited >= schedule.patience:
                    break
    with torch.no_grad():
        for name, parameter in parameters.items():
            parameter.copy_(best[name])


def tensors(arrays: Mapping[str, np.ndarray]) -> dict[str, torch.Tensor]:
    """Copies that learn."""
    return {name: torch.tensor(array, requires_grad=True) for name, array in arrays.items()}


def numbers(parameters: Mapping[str, torch.Tensor]) -> dict[str, np.ndarray]:
    return {name: parameter.detach().numpy().copy() for name, parameter in parameters.items()}


@contextmanager
def reproducible(seed: int) -> Iterator[None]:
    """One thread and seeded dropout inside, the caller's own settings and random numbers after."""
    threads = torch.get_num_threads()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        torch.set_num_threads(1)
        try:
            yield
        finally:
            torch.set_num_threads(threads)


def _one_pass(
    parameters: Mapping[str, torch.Tensor],
    loss: Loss,
    order: np.ndarray,
    batch_size: int,
    optimiser: torch.optim.Optimizer,
) -> float:
    spent = 0.0
    for rows in _batches(order, batch_size):
        value = loss(rows, True)
        optimiser.zero_grad()
        value.backward()
        torch.nn.utils.clip_grad_norm_(parameters.values(), 1.0)
        optimiser.step()
        spent += float(value.detach()) * len(rows)
    return spent / max(1, len(order))


def _mean_loss(loss: Loss, order: np.ndarray, batch_size: int) -> float:
    with torch.no_grad():
        return sum(float(loss(rows, False)) * len(rows) for rows in _batches(order, batch_size)) / len(order)


def _batches(order: np.ndarray, batch_size: int) -> Iterator[torch.Tensor]:
    for start in range(0, len(order), batch_size):
        yield torch.from_numpy(order[start : start + batch_size])


def _copies(parameters: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    return {name: parameter.detach().clone() for name, parameter in parameters.items()}


def values(array: np.ndarray) -> torch.Tensor:
    """What is learned from: a constant of single precision."""
    return torch.tensor(np.asarray(array, dtype=np.float32))


class Reader:
    """Queries as a network reads them: fixed vectors, or those of a transformer whose `parameters` learn too."""

    def __init__(self, features: Features, texts: Sequence[str]) -> None:
        self.parameters: dict[str, torch.Tensor] = {}
        self._tower = getattr(features, "tower", None)
        if self._tower is None:
            self._vectors = values(features(texts))  # [n, d]
        else:
            self._tokens = self._tower.tokens(texts)
            self.parameters = {f"tower.{name}": p for name, p in self._tower.model.named_parameters()}

    def __call__(self, rows: torch.Tensor, learning: bool) -> torch.Tensor:
        """[b, d] of the queries in these rows."""
        if self._tower is None:
            return self._vectors[rows]
        self._tower.model.train(learning)
        states: torch.Tensor = self._tower.vectors([self._tokens[row] for row in rows.tolist()])
        return states


def dropout(share: float, learning: bool) -> Callable[[torch.Tensor], torch.Tensor]:
    return lambda states: torch.nn.functional.dropout(states, share, training=learning)


def noise(states: torch.Tensor, size: float) -> torch.Tensor:
    return states + size * torch.randn_like(states)


def groups(labels: Sequence[Hashable]) -> torch.Tensor:
    """[n] a number per distinct label, in the order of their first use."""
    known = {label: i for i, label in enumerate(dict.fromkeys(labels))}
    return torch.tensor([known[label] for label in labels])
