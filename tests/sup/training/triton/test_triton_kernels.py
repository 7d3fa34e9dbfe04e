"""Triton kernels against torch in float64: gradients, words, and the functions in between."""

from typing import Any

import numpy as np
import pytest
import torch
import triton.language as tl
from torch import Tensor, nn

import sup
from sup.model.activations import GELU, Linear, ReLU, Sigmoid, SiLU, SoLU, StackedActivation, Tanh
from sup.model.autoencoder import StackedAutoencoder
from sup.model.inputs import Draws, Inputs, Purpose
from sup.model.quadrature import QuadratureInputs
from sup.training.engines import AutogradEngine
from sup.training.kernels import kind_of
from sup.training.optimizer import StackedAdam
from sup.training.triton.device import functions, kernels
from sup.training.triton.device.functions import jit
from sup.training.triton.engine import TritonEngine
from sup.training.triton.source import in_float32

SEEDS = (3, 2**40 + 7)
ACTIVATIONS = (Linear, ReLU, GELU, SiLU, Sigmoid, Tanh, SoLU)


class Leaky(nn.Module):
    """A user's activation, with a number for each instance."""

    expressions = ("max(z, 0) + slope * min(z, 0)", "where(z > 0, 1, slope)")

    def __init__(self, slope: Tensor):
        super().__init__()
        self.slope = slope

    def forward(self, z: Tensor) -> Tensor:
        return z.clamp(min=0) + self.slope.to(z) * z.clamp(max=0)


def models_of(*blocks: tuple[Any, int], n: int, m: int) -> StackedAutoencoder:
    generator = torch.Generator().manual_seed(0)
    count = sum(number for _, number in blocks)
    W = torch.randn(count, m, n, generator=generator) / m**0.5
    models = StackedAutoencoder(W, StackedActivation(list(blocks)))
    models.b.data.normal_(0, 0.3, generator=generator)
    return models


def inputs_of(n: int, count: int, dtype: torch.dtype = torch.float32) -> Inputs:
    density = torch.linspace(0.2, 1, n, dtype=torch.float64).expand(2, n)
    return Inputs(torch.tensor([0, 1]), density, torch.arange(count) % 2, dtype)


def words(n: int, batch: int, step: int = 5) -> Tensor:
    return Draws(SEEDS, (n, batch), torch.device("cpu")).words(Purpose.TRAINING, step)


def importance_of(count: int, n: int) -> Tensor:
    return (0.9 ** torch.arange(n)).expand(count, n) * (1 + torch.arange(count))[:, None]


def exact(models: StackedAutoencoder, inputs: Any, importance: Tensor, given: Tensor, batch: int):
    """Return losses and gradients by autograd in float64."""
    double = StackedAutoencoder(models.W.detach().double(), models.activation)
    double.b.data.copy_(models.b)
    cost = inputs.cost(importance.double(), batch)
    losses = AutogradEngine(double, inputs, cost)(given)
    return losses, double.W.grad, double.b.grad


def assert_close(found: Tensor | None, expected: Any, most: float) -> None:
    assert found is not None
    error = (found.detach().cpu().double() - expected).abs().amax()
    assert error <= most * expected.abs().amax()


@pytest.mark.parametrize("kind", ACTIVATIONS)
@pytest.mark.parametrize(
    ("n", "m", "batch", "large"),
    [
        (1, 1, 1, False),
        (2, 1, 100, False),
        (5, 3, 129, False),
        (33, 7, 65, True),
        (70, 20, 9, True),
    ],
)
def test_gradients_are_those_of_double_precision(kind, n, m, batch, large, device):
    models = models_of((kind(), 2), n=n, m=m)
    importance, given = importance_of(2, n), words(n, batch)
    losses, by_W, by_b = exact(models, inputs_of(n, 2, torch.float64), importance, given, batch)
    models.to(device)
    engine = TritonEngine(models, inputs_of(n, 2).to(device), importance.to(device), batch)
    assert engine.form.large == large
    assert_close(engine(given.to(device)), losses, 1e-6)
    assert_close(models.W.grad, by_W, 5e-6)
    assert_close(models.b.grad, by_b, 5e-6)


@pytest.mark.parametrize(("n", "m"), [(5, 3), (33, 7)])
def test_each_activation_of_a_stack_has_its_own_parameters(n: int, m: int, device):
    slope = torch.tensor([0.1, 0.5, -1.0]).view(3, 1, 1)
    temperature = torch.tensor([0.4, 3.0]).view(2, 1, 1)
    models = models_of((ReLU(), 1), (Leaky(slope), 3), (SoLU(temperature), 2), n=n, m=m)
    importance, given = importance_of(6, n), words(n, 40)
    losses, by_W, _ = exact(models, inputs_of(n, 6, torch.float64), importance, given, 40)
    models.to(device)
    engine = TritonEngine(models, inputs_of(n, 6).to(device), importance.to(device), 40)
    assert_close(engine(given.to(device)), losses, 1e-6)
    assert_close(models.W.grad, by_W, 5e-6)


@pytest.mark.parametrize("n", [1, 2, 3])
def test_by_quadrature_as_in_double_precision(n: int, device):
    models = models_of((GELU(), 2), n=n, m=1)
    importance, given = importance_of(2, n), torch.zeros(1, n, 1, dtype=torch.int64)
    density = torch.tensor([[0.3] * n, [1.0] * n])
    losses, by_W, _ = exact(models, QuadratureInputs(n, density.double()), importance, given, 1)
    models.to(device)
    inputs = QuadratureInputs(n, density).to(device)
    engine = TritonEngine(models, inputs, importance.to(device), 1)
    assert_close(engine(given.to(device)), losses, 1e-6)
    assert_close(models.W.grad, by_W, 5e-6)


@pytest.mark.parametrize("n", [5, 33])
def test_a_kernel_draws_the_words_that_all_draw(n: int, device):
    """What a step loses is what it loses on words that were drawn by torch."""
    models = models_of((ReLU(), 2), n=n, m=3).to(device)
    engine = TritonEngine(models, inputs_of(n, 2).to(device), importance_of(2, n).to(device), 70)
    for step in (0, 7, 2**32 + 3):
        expected = engine(words(n, 70, step).to(device)).clone()
        module = Kept(models, 1)
        rates = torch.zeros(2)
        optimizer = StackedAdam(list(models.parameters()), rates, rates)
        steps = engine.whole_steps(SEEDS, 70, 1, module, optimizer)
        steps.take(range(step, step + 1), Constant(), np.zeros(1, np.int32))
        assert_close(module.loss_sums[0], expected.double(), 1e-6)


class Kept:
    """What a module keeps of its steps."""

    def __init__(self, models: StackedAutoencoder, rows: int):
        self.loss_sums = models.W.new_zeros(rows, len(models.W))
        self.diverged_at = torch.zeros(len(models.W), dtype=torch.int64, device=models.W.device)


class Constant:
    """A schedule that does nothing."""

    def step(self) -> None:
        pass


def test_of_themselves_only_models_in_registers_are_trained_by_triton():
    assert kind_of("auto", "cuda", 10, 5, 1000) == "triton"
    assert kind_of("auto", "cuda", 10, 5, 999) is None
    assert kind_of("auto", "cuda", 200, 20, 1000) is None
    assert kind_of("triton", "cuda", 200, 20, 1) == "triton"
    assert kind_of("auto", "cpu", 200, 20, 100) == "native"
    assert kind_of("auto", "mps", 10, 5, 1000) is None


@jit
def _applied(z, out, FUNCTION: tl.constexpr):
    k = tl.arange(0, 8)
    tl.store(out + k, FUNCTION(tl.load(z + k)))


@pytest.mark.filterwarnings("ignore:.*encountered in:RuntimeWarning")  # NumPy's, interpreting
@pytest.mark.parametrize("name", ["exp", "tanh", "sigmoid", "normal_cdf", "erf", "gauss"])
def test_what_is_not_a_number_stays_so_whatever_its_bits(name, device):
    # A GPU's own has all bits of its fraction set, a CPU's one.
    bits = torch.tensor([0x7FFFFFFF, 0x7FC00000, -0x400000, 0x7F800001], dtype=torch.int32)
    z = torch.cat([bits.view(torch.float32), torch.tensor([0.0, 1, -1, 50])]).to(device)
    out = torch.zeros_like(z)
    _applied[(1,)](z, out, FUNCTION=getattr(functions, name))
    assert out.isnan().tolist() == [True] * 4 + [False] * 4


def test_numbers_are_written_so_that_they_stay_in_float32():
    numbers = [0.1, 1e-46, 1e-40, 1e300, -1e300]
    written = [float(in_float32(one)) for one in numbers]
    assert written[0] == np.float32(0.1)
    assert written[1:3] == [0, 0]
    assert written[3] == -written[4] == np.finfo(np.float32).max


def test_what_cannot_be_compiled_is_trained_by_torch(monkeypatch, caplog):
    def failing(*arguments, **options):
        raise RuntimeError("Failed to find C compiler")

    monkeypatch.setattr(type(kernels.train), "warmup", failing)
    with caplog.at_level("INFO", logger="sup"):
        sup.train(engine="triton", steps=2, batch_size=8)
    said = "engine: triton is not possible here (RuntimeError: Failed to find C compiler)"
    assert said in caplog.text
    assert "engine: closed form" in caplog.text
