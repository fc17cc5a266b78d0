"""The training loop: it learns, it stops, it is the same twice, and it leaves the process as it was."""

from dataclasses import replace

import numpy as np
import torch

from rl_router.routers.networks.schedule import Schedule
from rl_router.routers.networks.training import numbers, tensors, train

SCHEDULE = Schedule(learning_rate=0.1, batch_size=16, max_epochs=20, patience=20, weight_decay=0.0)


def fitted(seed=0, schedule=SCHEDULE, rows=100):
    """A line through noiseless points of slope 2 and height -1."""
    x = torch.linspace(-1, 1, rows)
    parameters = tensors({"slope": np.zeros(1, np.float32), "height": np.zeros(1, np.float32)})

    def loss(rows, learning):
        return ((parameters["slope"] * x[rows] + parameters["height"] - (2 * x[rows] - 1)) ** 2).mean()

    train(parameters, loss, rows, schedule, seed, "line")
    return numbers(parameters)


def test_a_line_is_found():
    found = fitted()
    assert abs(found["slope"][0] - 2) < 0.05
    assert abs(found["height"][0] + 1) < 0.05


def test_the_same_seed_gives_the_same_weights_and_another_seed_others():
    short = replace(SCHEDULE, max_epochs=2)
    assert fitted(1, short) == fitted(1, short)
    assert fitted(1, short) != fitted(2, short)


def test_the_best_epoch_counts_and_patience_ends_the_rest():
    """The held-out loss is 3, 1, 2, 2, ...: epoch 2 is the best and two more pass before the end."""
    weight = tensors({"w": np.zeros(1, np.float32)})
    held_out = iter([3.0, 1.0, 2.0, 2.0, 2.0, 2.0])
    seen = []

    def loss(rows, learning):
        if learning:
            return (weight["w"] - 10.0).sum() ** 2
        seen.append(weight["w"].item())
        return torch.tensor(next(held_out))

    schedule = Schedule(
        learning_rate=0.1, batch_size=100, max_epochs=50, patience=2, weight_decay=0.0, validation_share=0.5
    )
    train(weight, loss, 10, schedule, 0, "scripted")
    assert len(seen) == 4
    assert weight["w"].item() == seen[1] != seen[3]


def test_rows_too_few_to_hold_out_are_all_learned():
    learned = []
    weight = tensors({"w": np.zeros(1, np.float32)})

    def loss(rows, learning):
        assert learning
        learned.extend(rows.tolist())
        return (weight["w"] - 1.0).sum() ** 2

    schedule = Schedule(learning_rate=0.1, batch_size=2, max_epochs=3, patience=1, weight_decay=0.0)
    train(weight, loss, 5, schedule, 0, "few")
    assert sorted(learned) == sorted([0, 1, 2, 3, 4] * 3)


def test_threads_and_random_numbers_of_the_caller_are_left_alone():
    torch.manual_seed(7)
    expected = torch.rand(1)
    torch.manual_seed(7)
    threads = torch.get_num_threads()
    fitted(schedule=Schedule(learning_rate=0.1, batch_size=50, max_epochs=1, patience=1, weight_decay=0.0))
    assert torch.rand(1) == expected
    assert torch.get_num_threads() == threads
