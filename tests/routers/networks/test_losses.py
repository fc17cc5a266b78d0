"""Losses on numbers that were worked out by hand."""

from math import exp, log, nan

import pytest
import torch

from rl_router.routers.networks.losses import group_contrast, model_contrast, preference_loss, score_loss


def tensor(rows, learns=False):
    return torch.tensor(rows, dtype=torch.float32, requires_grad=learns)


def test_an_unknown_score_adds_nothing_to_the_loss_or_its_gradient():
    logits = tensor([[0.0, 5.0]], learns=True)
    loss = score_loss(logits, tensor([[1.0, nan]]))
    loss.backward()
    assert loss.item() == pytest.approx(log(2))
    assert logits.grad.tolist() == [[-0.5, 0.0]]
    assert score_loss(logits, tensor([[nan, nan]])).item() == 0.0


def test_the_score_loss_is_lowest_where_the_sigmoid_is_the_score():
    logits = tensor([[log(0.25 / 0.75)]], learns=True)
    score_loss(logits, tensor([[0.25]])).backward()
    assert logits.grad.item() == pytest.approx(0.0, abs=1e-7)


def test_a_tie_pulls_two_models_together_instead_of_naming_a_winner():
    equal = tensor([[0.3, 0.3]], learns=True)
    preference_loss(equal, tensor([[1.0, 1.0]])).backward()
    assert equal.grad.tolist() == [[0.0, 0.0]]
    apart = tensor([[2.0, 0.0]], learns=True)
    preference_loss(apart, tensor([[1.0, 1.0]])).backward()
    assert apart.grad[0, 0] > 0 > apart.grad[0, 1]


def test_a_preference_is_paid_once_per_pair_of_known_models():
    # pairs (0, 1) and no other: label 1, margin 1, so log(1 + e^-1)
    loss = preference_loss(tensor([[1.0, 0.0, 9.0]]), tensor([[1.0, 0.0, nan]]))
    assert loss.item() == pytest.approx(log(1 + exp(-1)))


def test_the_best_model_is_pulled_from_the_worst_and_ties_share_the_last_place():
    scores = tensor([[1.0, 0.0, 0.0]])
    # one negative place for two models that tie: half of each, so e^0 / (e^0 + 1) = 1/2
    one = model_contrast(tensor([[0.0, 0.0, 0.0]]), scores, positives=1, negatives=1)
    assert one.item() == pytest.approx(log(2))
    both = model_contrast(tensor([[0.0, 0.0, 0.0]]), scores, positives=1, negatives=2)
    assert both.item() == pytest.approx(log(3))
    # two best that tie for one place: half of log(1 + e^-1) and half of log(1 + e^0)
    tied = model_contrast(tensor([[1.0, 0.0, 0.0]]), tensor([[1.0, 1.0, 0.0]]), positives=1, negatives=1)
    assert tied.item() == pytest.approx(log(1 + exp(-1)) / 2 + log(2) / 2)


def test_the_order_of_tied_models_does_not_move_the_contrast():
    similarity, scores = tensor([[0.1, 0.7, -0.3, 0.2]]), tensor([[1.0, 1.0, 0.0, 0.0]])
    swapped = [1, 0, 3, 2]
    loss = model_contrast(similarity, scores, positives=1, negatives=1)
    assert loss.item() == pytest.approx(
        model_contrast(similarity[:, swapped], scores[:, swapped], positives=1, negatives=1).item()
    )


@pytest.mark.parametrize("row", [[1.0, 1.0, 1.0], [0.0, 0.0, 0.0], [nan, nan, nan], [1.0, 0.6, 0.5]])
def test_a_query_that_tells_no_models_apart_teaches_nothing(row):
    """All right, all wrong, all unknown, or none below a half: no positive or no negative."""
    similarity = tensor([[0.2, -0.4, 0.9]], learns=True)
    loss = model_contrast(similarity, tensor([row]), positives=3, negatives=3)
    loss.backward()
    assert loss.item() == 0.0
    assert similarity.grad.tolist() == [[0.0, 0.0, 0.0]]


def test_a_query_is_drawn_to_its_own_group_and_from_the_others():
    """Two queries alike in group 0, one at a right angle in group 1, which has no companion and is left out."""
    vectors = tensor([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]])
    loss = group_contrast(vectors, torch.tensor([0, 0, 1]), negatives=1)
    assert loss.item() == pytest.approx(-log(exp(1) / (exp(1) + 1)))
    assert group_contrast(vectors, torch.tensor([0, 0, 0]), negatives=1).item() == 0.0
