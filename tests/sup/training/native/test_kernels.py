"""The kernels' arithmetic, words, losses and gradients, against torch in float64."""

import ctypes
from collections.abc import Callable

import numpy as np
import pytest
import torch

from sup.model.activations import GELU, Linear, ReLU, Sigmoid, SiLU, SoLU, StackedActivation, Tanh
from sup.model.autoencoder import StackedAutoencoder
from sup.model.expressions import expressions_of
from sup.model.inputs import Draws, Inputs, Purpose
from sup.model.quadrature import QuadratureInputs
from sup.training.engines import AutogradEngine
from sup.training.native.call import Draw, Held, blocked
from sup.training.native.compiler import compiled
from sup.training.native.engine import NativeEngine
from sup.training.native.source import Kernel, activation_source

CPU = torch.device("cpu")
N, M = 5, 3
"""The size of which most kernels are; each takes a second to compile."""

ACTIVATIONS = (Linear, ReLU, GELU, SiLU, Sigmoid, Tanh, SoLU)


def library(activation, n: int = N, m: int = M) -> ctypes.CDLL:
    source = activation_source(activation)
    assert source is not None
    return compiled([Kernel(n, m, source, quadrature=False)])[0]


def evaluated(activation, z: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return value and slope as the kernel computes them."""
    z = np.concatenate([z, np.zeros(-len(z) % 16)]).astype(np.float32)
    y, slope = np.empty_like(z), np.empty_like(z)
    expressions = expressions_of(activation)
    assert expressions is not None
    numbers = expressions.numbers(1).float().numpy()
    pointers = [ctypes.c_void_p(array.ctypes.data) for array in (z, numbers, y, slope)]
    library(activation).evaluate(*pointers[:2], ctypes.c_int64(len(z)), *pointers[2:])
    return y, slope


@pytest.mark.parametrize("kind", ACTIVATIONS[:-1])
def test_value_and_slope_are_those_of_double_precision(kind: Callable):
    special = [0, -0.0, 1e-30, -1e-30, 1e-4, -1e-4, 87, -87, 89, -89, 1e4, -1e4]
    z = np.concatenate([np.linspace(-30, 30, 40_001), special])
    activation = kind()
    y, slope = (own[: len(z)] for own in evaluated(activation, z))
    leaf = torch.from_numpy(z.astype(np.float32)).double().view(1, 1, -1).requires_grad_()
    expected = activation(leaf)
    (by_z,) = torch.autograd.grad(expected.sum(), leaf)
    for own, exact in ((y, expected.detach().numpy()[0, 0]), (slope, by_z.numpy()[0, 0])):
        assert (np.abs(own - exact) / np.maximum(1, np.abs(exact))).max() < 2e-7


@pytest.mark.parametrize("kind", ACTIVATIONS[:-1])
def test_what_is_not_a_number_stays_so(kind: Callable):
    y, _ = evaluated(kind(), np.array([np.nan, 1.0]))
    assert np.isnan(y[0])
    assert np.isfinite(y[1])


class AllFunctions:
    """Not of use but to try every function that an expression may call."""

    half = 0.5
    __call__ = torch.relu
    expressions = (
        "log(exp(z / 4) + 1) + sqrt(abs(z)) + erf(z) + min(z, half) * gauss(z) + 1 / 2 * z",
        "where((z > 1) & (z < 2), normal_cdf(z), where((z <= -1) | (z >= 3), max(y, z), -z))",
    )


def test_every_function_of_an_expression():
    activation, z = AllFunctions(), np.linspace(-10, 10, 1000)
    y, slope = (own[:1000] for own in evaluated(activation, z))
    expressions = expressions_of(activation)
    assert expressions is not None
    expected = expressions(torch.from_numpy(z.astype(np.float32)).double())
    for own, exact in zip((y, slope), expected, strict=True):
        assert (np.abs(own - exact.numpy()) / np.maximum(1, exact.abs().numpy())).max() < 5e-7


@pytest.mark.parametrize(("features", "samples", "block"), [(1, 7, 1), (6, 129, 1), (9, 300, 16)])
@pytest.mark.parametrize("step", [0, 41, 2**33 + 3])
def test_the_words_are_those_of_torch(features: int, samples: int, block: int, step: int):
    seeds = (0, 2**40 + 5)
    expected = Draws(seeds, (features, samples), CPU).block(Purpose.TRAINING, range(step, step + 2))
    laid_out = blocked(expected.numpy().astype(np.uint32), block)
    words = np.zeros_like(laid_out)
    counts = {"seeds": 2, "features": features, "samples": samples, "block": block}
    held = Held(Draw(first_step=step, steps=2, purpose=int(Purpose.TRAINING), **counts))
    held.point("seed", np.array(seeds, np.uint64))
    held.point("words", words)
    library(ReLU()).draw(ctypes.byref(held.structure))
    own = np.moveaxis(words, -3, -2).reshape(2, 2, features, -1)[..., :samples]
    assert np.array_equal(own, expected.numpy())


def gradients(engine: type, kind: Callable, n: int, m: int, batch: int, nodes: bool = False):
    """Return losses and gradients of five models with three inputs of two seeds."""
    dtype = torch.float64 if engine is AutogradEngine else torch.float32
    generator = torch.Generator().manual_seed(n)
    W = 0.6 * torch.randn(5, m, n, generator=generator).to(dtype)
    importance = torch.rand(5, n, generator=generator).to(dtype) + 0.1
    models = StackedAutoencoder(W, StackedActivation([(kind(), 3), (kind(), 2)]))
    models.b.data.copy_(0.1 * torch.randn(5, n, generator=generator))
    density = torch.tensor([1.0, 0.3, 0.05]).double()[:, None].expand(-1, n)
    groups, seeds = torch.tensor([0, 1, 2, 2, 0]), torch.tensor([0, 1, 1])
    inputs = Inputs(seeds, density, groups, dtype)
    if nodes:
        inputs = QuadratureInputs(n, density[groups].to(dtype))
    given = inputs.cost(importance, batch) if engine is AutogradEngine else importance
    made = engine(models, inputs, given, *([batch] if engine is NativeEngine else []))
    losses = made(Draws((3, 2**40), (n, batch), CPU).words(Purpose.TRAINING, 7))
    assert models.W.grad is not None
    assert models.b.grad is not None
    return [found.double() for found in (losses, models.W.grad, models.b.grad)]


def check(*case, **given):
    exact, own = gradients(AutogradEngine, *case, **given), gradients(NativeEngine, *case, **given)
    for one, other in zip(exact, own, strict=True):
        assert (one - other).norm() < 5e-6 * one.norm()


@pytest.mark.parametrize("kind", ACTIVATIONS)
@pytest.mark.parametrize("batch", [1024, 31])
def test_gradients_of_every_activation(kind: Callable, batch: int):
    check(kind, N, M, batch)


@pytest.mark.parametrize("size", [(3, 7), (33, 6), (200, 20)])
@pytest.mark.parametrize("batch", [1, 100, 129, 512])
def test_gradients_of_every_form(size: tuple[int, int], batch: int):
    check(ReLU, *size, batch)


def test_gradients_of_solu_in_the_form_for_larger_models():
    check(SoLU, 33, 6, 129)


@pytest.mark.parametrize(("n", "m"), [(1, 1), (2, 1), (3, 2)])
def test_gradients_by_quadrature(n: int, m: int):
    check(SiLU, n, m, 4, nodes=True)
