"""The kernels' arithmetic, words, losses and gradients, against torch in float64."""

import ctypes
from collections.abc import Callable, Sequence
from functools import partial

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
    special = np.array([0, 1e-45, 1e-30, 1e-4, 87, 89, 1e4, 1e10, 1e20, 1e30, 1e36, 1e38])
    z = np.concatenate([np.linspace(-30, 30, 40_001), special, -special])
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


@pytest.mark.parametrize(
    ("kind", "ends"),
    [(Linear, (-np.inf, np.inf)), (ReLU, (0, np.inf)), (Sigmoid, (0, 1)), (Tanh, (-1, 1))],
)
def test_infinite(kind: Callable, ends: tuple[float, float]):
    y, slope = evaluated(kind(), np.array([-np.inf, np.inf]))
    assert tuple(y[:2]) == ends
    assert tuple(slope[:2]) == {Linear: (1, 1), ReLU: (0, 1)}.get(kind, (0, 0))


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


class Chosen(torch.nn.Identity):
    """A pair of functions at a time, as value and slope: which is a number, so all are a kernel."""

    pairs = (
        ("exp(z)", "log(z)"),
        ("sqrt(z)", "erf(z)"),
        ("normal_cdf(z)", "gauss(z)"),
        ("abs(z)", "tanh(z)"),
        ("max(z, 1)", "min(-z, 2)"),
        ("1/2*z", "where((z > 1) & (z <= 2) | (z < -1), 3, z - 1/4)"),
    )

    def __init__(self, which: int):
        super().__init__()
        self.which = which

    @property
    def expressions(self) -> tuple[str, str]:
        value, slope = "0", "0"
        for number, (one, other) in enumerate(self.pairs):
            chosen = f"(which >= {number}) & (which <= {number})"
            value, slope = f"where({chosen}, {one}, {value})", f"where({chosen}, {other}, {slope})"
        return value, slope


def functions(which: int, z: np.ndarray) -> list[np.ndarray]:
    """Return a pair of functions, in float64, and z as float32 has it."""
    found = evaluated(Chosen(which), z)
    return [own[: len(z)].astype(np.float64) for own in (*found, z.astype(np.float32))]


def off(own: np.ndarray, exact: np.ndarray) -> float:
    """Return the largest error, in units of the number where that is above 1."""
    return (np.abs(own - exact) / np.maximum(1, np.abs(exact))).max()


POSITIVE = np.concatenate([np.logspace(-37, 38, 10_001), np.linspace(0.5, 2, 10_001)])


def test_exponential_and_logarithm():
    power, _, z = functions(0, np.linspace(-86.9, 88, 100_001))
    assert np.abs(power / np.exp(z) - 1).max() < 2e-7
    power, _, _ = functions(0, np.array([-np.inf, -1e30, -200, 200, np.inf, np.nan]))
    assert (power[:3] == 0).all()
    assert (power[3:5] > 1e38).all()
    assert np.isnan(power[5])
    _, logarithm, z = functions(0, POSITIVE)
    assert off(logarithm, np.log(z)) < 2e-7
    _, (of_zero, of_less), _ = functions(0, np.array([0.0, -1.0]))
    assert of_zero == -np.inf
    assert np.isnan(of_less)


def test_root_and_normal_distribution():
    root, _, z = functions(1, POSITIVE)
    assert np.abs(root / np.sqrt(z) - 1).max() < 2e-7
    assert np.isnan(functions(1, np.array([-1.0]))[0])
    around = np.linspace(-30, 30, 100_001)
    _, erf, z = functions(1, around)
    assert off(erf, torch.from_numpy(z).erf().numpy()) < 3e-7  # twice a tail, less one
    cdf, gauss, z = functions(2, around)
    exact = torch.from_numpy(-z * 0.5**0.5).erfc().numpy() / 2
    assert off(cdf, exact) < 2e-7
    assert off(gauss, np.exp(-(z**2) / 2)) < 2e-7
    tail = (z > -10) & (z < 0)
    assert np.abs(cdf / exact - 1)[tail].max() < 5e-6  # of a power of -50, in float32


def test_arithmetic_and_comparisons():
    given = np.array([-3.0, -2, -1, -0.5, 0, 0.5, 1, 1.5, 2, 3])
    absolute, tanh, z = functions(3, given)
    assert np.array_equal(absolute, np.abs(z))
    assert off(tanh, np.tanh(z)) < 2e-7
    most, least, z = functions(4, given)
    assert np.array_equal(most, np.maximum(z, 1))
    assert np.array_equal(least, np.minimum(-z, 2))
    half, chosen, z = functions(5, given)
    assert np.array_equal(half, z / 2)
    assert np.array_equal(chosen, np.where((z > 1) & (z <= 2) | (z < -1), 3, z - 0.25))


@pytest.mark.parametrize(("features", "samples", "block"), [(1, 7, 1), (6, 129, 1), (9, 300, 16)])
@pytest.mark.parametrize("step", [0, 41, 2**32 - 1, 2**33 + 3])
@pytest.mark.parametrize("first", [0, 130])
def test_the_words_are_those_of_torch(
    features: int, samples: int, block: int, step: int, first: int
):
    seeds = (0, 2**32 - 1, 2**40 + 5, 2**64 - 1)
    draws = Draws(seeds, (features, first + samples), CPU)
    expected = draws.block(Purpose.TRAINING, range(step, step + 2))[..., first:]
    laid_out = blocked(expected.numpy().astype(np.uint32), block)
    words = np.zeros_like(laid_out)
    counts = {"seeds": len(seeds), "features": features, "samples": samples, "block": block}
    held = Held(Draw(first_step=step, steps=2, purpose=int(Purpose.TRAINING), **counts))
    held.structure.first_sample = first
    held.point("seed", np.array(seeds, np.uint64))
    held.point("words", words)
    library(ReLU()).draw(ctypes.byref(held.structure))
    own = np.moveaxis(words, -3, -2).reshape(2, len(seeds), features, -1)[..., :samples]
    assert np.array_equal(own, expected.numpy())


@pytest.mark.parametrize("purpose", Purpose)
def test_the_words_of_later_samples_and_of_every_purpose(purpose: Purpose):
    expected = Draws((7,), (6, 96), CPU).words(purpose, 11)[0, :, 48:]
    words = np.zeros((3, 6, 16), np.uint32)
    counts = {"seeds": 1, "features": 6, "samples": 48, "block": 1}
    held = Held(Draw(first_step=11, steps=1, first_sample=48, purpose=int(purpose), **counts))
    held.point("seed", np.array([7], np.uint64))
    held.point("words", words)
    library(ReLU()).draw(ctypes.byref(held.structure))
    assert np.array_equal(np.moveaxis(words, 0, 1).reshape(6, 48), expected.numpy())


def gradients(
    engine: type,
    kind: Callable,
    n: int,
    m: int,
    batch: int,
    nodes: bool = False,
    each: Sequence[float] = (1.0,),
):
    """Return losses and gradients of five models with three inputs of two seeds.

    `each`: the share of the input's density that each feature has, over and over.
    """
    dtype = torch.float64 if engine is AutogradEngine else torch.float32
    generator = torch.Generator().manual_seed(n)
    W = 0.6 * torch.randn(5, m, n, generator=generator).to(dtype)
    importance = torch.rand(5, n, generator=generator).to(dtype) + 0.1
    models = StackedAutoencoder(W, StackedActivation([(kind(), 3), (kind(), 2)]))
    models.b.data.copy_(0.1 * torch.randn(5, n, generator=generator))
    density = torch.tensor([1.0, 0.3, 0.05]).double()[:, None]
    density = density * torch.tensor(each).double().repeat(n)[:n]
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


@pytest.mark.parametrize("size", [(N, M), (33, 6)])
def test_gradients_where_features_have_densities_of_their_own(size: tuple[int, int]):
    check(ReLU, *size, 512, each=(1.0, 0.5, 1e-5, 0.1))


def test_gradients_of_solu_in_the_form_for_larger_models():
    check(SoLU, 33, 6, 129)


@pytest.mark.parametrize("size", [(N, M), (33, 6)])
def test_gradients_of_solu_with_a_temperature(size: tuple[int, int]):
    check(partial(SoLU, 0.4), *size, 129)


@pytest.mark.parametrize(("n", "m"), [(1, 1), (2, 1), (3, 2)])
def test_gradients_by_quadrature(n: int, m: int):
    check(SiLU, n, m, 4, nodes=True)
