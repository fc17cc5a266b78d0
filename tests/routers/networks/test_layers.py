"""The same formula on numpy arrays and on torch tensors."""

import numpy as np
import torch

from rl_router.routers.networks.layers import as_float64, dense, new_dense, relu, sigmoid, unit


def test_a_dense_layer_is_a_product_and_a_sum():
    arrays = {"a.weight": np.array([[1.0, 2.0], [3.0, 4.0]]), "a.bias": np.array([10.0, 20.0])}
    np.testing.assert_array_equal(dense(arrays, "a", np.array([[1.0, 1.0]])), [[14.0, 26.0]])


def test_numpy_and_torch_agree():
    arrays = new_dense("a", 5, 3, np.random.default_rng(0))
    x = np.random.default_rng(1).normal(size=(4, 5)).astype(np.float32)
    in_numpy = unit(relu(dense(arrays, "a", x)))
    in_torch = unit(relu(dense({k: torch.tensor(v) for k, v in arrays.items()}, "a", torch.tensor(x))))
    np.testing.assert_allclose(in_numpy, in_torch.numpy(), atol=1e-6)


def test_a_unit_row_has_length_one_and_zeros_stay_zeros():
    np.testing.assert_allclose(unit(np.array([[3.0, 4.0], [0.0, 0.0]])), [[0.6, 0.8], [0.0, 0.0]], atol=1e-9)


def test_the_sigmoid_does_not_overflow():
    with np.errstate(all="raise"):
        np.testing.assert_allclose(sigmoid(np.array([-800.0, 0.0, np.log(3.0), 800.0])), [0.0, 0.5, 0.75, 1.0])


def test_double_precision_keeps_names_and_shapes():
    arrays = as_float64(new_dense("a", 2, 3, np.random.default_rng(0)))
    assert {name: (a.dtype.name, a.shape) for name, a in arrays.items()} == {
        "a.weight": ("float64", (2, 3)),
        "a.bias": ("float64", (3,)),
    }
