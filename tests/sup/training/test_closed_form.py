"""The closed form against float64 autograd, and the engines against each other."""

import numpy as np
import pytest
import torch

from sup.model import activations
from sup.model.activations import StackedActivation
from sup.model.autoencoder import StackedAutoencoder, reconstruction_loss
from sup.model.closed_form import loss_and_gradient
from sup.training.engines import Block, ClosedFormEngine

BUILT_IN = [
    activations.Linear,
    activations.ReLU,
    activations.GELU,
    activations.SiLU,
    activations.Sigmoid,
    activations.Tanh,
    activations.SoLU,
]


class Cube(torch.nn.Module):
    """A user's activation without a written-out slope, mixing features to make it harder."""

    def forward(self, z: torch.Tensor) -> torch.Tensor:
        return z**3 + z.mean(-2, keepdim=True).sin()


def problem(groups: int, members: int, dtype: torch.dtype):
    generator = torch.Generator().manual_seed(1)
    K, m, n, B = groups * members, 3, 6, 64
    W = torch.randn(K, m, n, generator=generator)
    b = 0.3 * torch.randn(K, n, generator=generator)
    x = torch.rand(groups, n, B, generator=generator)
    cost = torch.rand(K, n, B, generator=generator) / B
    return [tensor.to(dtype) for tensor in (W, b, x, cost)]


@pytest.mark.parametrize("members", [1, 4])
@pytest.mark.parametrize("activation", [*BUILT_IN, Cube], ids=lambda one: one.__name__)
def test_gradients_agree_with_autograd_in_float64(activation, members: int):
    W, b, x, cost = problem(3, members, torch.float64)
    models = StackedAutoencoder(W, StackedActivation([(activation(), len(W))]))
    models.b.data = b
    own = x.repeat_interleave(members, 0)
    exact = reconstruction_loss(own, models(own), cost)
    exact.sum().backward()

    W, b, x, cost = (tensor.float() for tensor in (W, b, x, cost))
    loss, dW, db = loss_and_gradient(W, b, x, cost, activation())
    for ours, reference in ((loss, exact.detach()), (dW, models.W.grad), (db, models.b.grad)):
        assert reference is not None
        assert (ours - reference).norm() / reference.norm() < 1e-5


def test_blocks_share_inputs_where_they_can():
    activation, place = activations.ReLU(), slice(1, 5)
    shared = Block.of(activation, place, torch.tensor([9, 2, 2, 3, 3, 9]))
    assert shared.groups == slice(2, 4)
    apart = Block.of(activation, place, torch.tensor([9, 2, 2, 2, 3, 9]))
    assert isinstance(apart.groups, torch.Tensor)
    assert apart.groups.tolist() == [2, 2, 2, 3]
    gap = Block.of(activation, place, torch.tensor([9, 2, 2, 5, 5, 9]))
    assert isinstance(gap.groups, torch.Tensor)
    assert gap.groups.tolist() == [2, 5]


def test_engines_train_to_the_same_weights(make_run, train_runs):
    def sweep(engine: str):
        settings = [
            ["activation=relu", "sparsity=[0,0.9]", "importance.decay=[0.8,1]"],
            ["activation=solu", "sparsity=0.9", "seed=[0,1]"],
            ["activation=gelu", "sparsity=0.5", "optimizer.lr=[0.01,0.001]"],
            ["~activation", "+activation._target_=torch.nn.Softplus"],
        ]
        return train_runs(*(make_run(*one, "steps=100", f"engine={engine}") for one in settings))

    reference = sweep("autograd")
    for engine in ("eager", "compiled"):
        for one, other in zip(sweep(engine), reference, strict=True):
            assert np.abs(one["W"] - other["W"]).max() < 1e-5
            assert np.abs(one["training_loss"] - other["training_loss"]).max() < 1e-5


def test_without_a_compiler_training_goes_on(monkeypatch, caplog, make_run, train_runs):
    caplog.set_level("INFO", "sup")

    def broken(self, words):
        raise RuntimeError("no C++ compiler found\nand much more")

    monkeypatch.setattr(ClosedFormEngine, "compile", broken)
    (compiled,) = train_runs(make_run("steps=50", "engine=compiled"))
    line = "not possible here (RuntimeError: no C++ compiler found); going on without"
    assert line in caplog.text
    (eager,) = train_runs(make_run("steps=50", "engine=eager"))
    assert np.array_equal(compiled["W"], eager["W"])
