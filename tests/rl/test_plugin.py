"""What replaces a function of verl gives what verl gives."""

import pytest
import torch

verl_functional = pytest.importorskip("verl.utils.torch_functional")


def test_log_probabilities_and_their_gradients_are_verls():
    from rl_router.rl.plugin import log_probs_of

    stock = verl_functional.logprobs_from_logits_v2
    assert stock is not log_probs_of  # replaced in the trainer's processes alone
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(2, 5, 11, generator=generator, requires_grad=True)
    labels = torch.randint(0, 11, (2, 5), generator=generator)
    weights = torch.randn(2, 5, generator=generator)
    ours, theirs = log_probs_of(logits, labels), stock(logits, labels)
    torch.testing.assert_close(ours, theirs)
    (our_gradient,) = torch.autograd.grad((ours * weights).sum(), logits)
    (their_gradient,) = torch.autograd.grad((theirs * weights).sum(), logits)
    torch.testing.assert_close(our_gradient, their_gradient)


def test_a_certain_token_has_log_probability_zero():
    from rl_router.rl.plugin import log_probs_of

    logits = torch.tensor([[0.0, 1000.0], [0.0, 0.0]])
    expected = torch.tensor([0.0, -0.6931472])
    torch.testing.assert_close(log_probs_of(logits, torch.tensor([1, 0])), expected)
