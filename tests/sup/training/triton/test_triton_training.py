"""Whole trainings by Triton kernels: those of the native engine, alone or beside others."""

from typing import Any

import numpy as np
import pytest
import torch

import sup
from sup.training.triton.engine import TritonEngine

SEVEN = ["linear", "relu", "gelu", "silu", "sigmoid", "tanh", "solu"]
VARIABLES = ("W", "b", "training_loss")


@pytest.fixture
def trained(device):
    """Train by Triton's kernels."""

    def train(**settings: Any):
        trainer = "cpu" if device.type == "cpu" else "gpu"
        return sup.train(engine="triton", trainer=trainer, **settings)

    return train


def assert_alike(one, other, most: float) -> None:
    for name in VARIABLES:
        assert abs(one[name] - other[name]).max() < most


def compared(trained, **settings: Any) -> None:
    assert_alike(trained(**settings), sup.train(engine="native", trainer="cpu", **settings), 2e-5)


def test_a_few_steps_of_each_activation_are_the_native_engines(trained):
    compared(
        trained, activation=SEVEN, sparsity=0.5, steps=3, batch_size=20, n_features=3, n_hidden=2
    )


SMALL: dict[str, Any] = {"n_features": 5, "n_hidden": 2, "sparsity": [0, 0.9], "batch_size": 128}
LARGE: dict[str, Any] = {"n_features": 40, "n_hidden": 6, "sparsity": 0.8, "batch_size": 32}


@pytest.mark.slow
@pytest.mark.parametrize("shape", [SMALL, LARGE])
def test_two_hundred_steps_of_each_activation_are_the_native_engines(shape, trained):
    compared(trained, activation=SEVEN, steps=200, **shape)


def test_rates_decays_and_schedules_are_each_models_own(trained):
    warm = sup.Part("torch.optim.lr_scheduler.LinearLR", {"start_factor": 0.01, "total_iters": 3})
    settings: Any = {
        "activation": "silu",
        "optimizer_lr": [0.01, 0.003],
        "optimizer_weight_decay": [0, 0.1],
        "seed": [0, 2**40],
        "scheduler": warm,
    }
    compared(trained, steps=4, batch_size=16, n_features=3, n_hidden=2, **settings)


def test_by_quadrature_as_the_native_engine(trained):
    shape: Any = {"n_features": 2, "n_hidden": 1, "data": "quadrature"}
    compared(trained, activation=["relu", "tanh"], sparsity=[0.1, 0.9], steps=3, **shape)


def test_large_models_as_the_native_engine(trained):
    shape: Any = {"n_features": 40, "n_hidden": 9, "batch_size": 33}
    compared(trained, activation=["gelu", "solu"], sparsity=0.8, steps=3, **shape)


def test_alone_or_beside_others_to_the_bit(trained):
    settings: Any = {"steps": 4, "batch_size": 20, "n_features": 4, "n_hidden": 2}
    both = trained(activation=["relu", "solu"], sparsity=[0.2, 0.9], seed=[1, 5], **settings)
    alone = trained(activation="solu", sparsity=0.9, seed=5, **settings)
    beside = both.sel(activation="solu", sparsity=0.9, seed=5)
    assert all(np.array_equal(alone[name], beside[name]) for name in VARIABLES)


@pytest.mark.filterwarnings("ignore:.*encountered in:RuntimeWarning")  # NumPy's, interpreting
def test_one_that_diverges_is_frozen_at_the_native_engines_step(trained):
    settings: Any = {"activation": "gelu", "init_gain": [1.0, 1e15, 1e25], "sparsity": 0.5}
    shape: Any = {"steps": 12, "batch_size": 20, "n_features": 4, "n_hidden": 2}
    found = trained(**settings, **shape)
    native = sup.train(engine="native", trainer="cpu", **settings, **shape)
    assert found["diverged"].values.tolist() == [False, True, True]
    assert np.array_equal(found["first_bad_step"], native["first_bad_step"], equal_nan=True)
    assert np.array_equal(found["W"][1:], native["W"][1:])
    assert np.isnan(found["training_loss"][1:]).all()
    assert_alike(found.isel(init_gain=0), native.isel(init_gain=0), 2e-5)


def test_clipped_gradients_are_taken_step_by_step(trained, monkeypatch):
    calls = []
    call = TritonEngine.__call__
    monkeypatch.setattr(
        TritonEngine, "__call__", lambda self, words: (calls.append(1), call(self, words))[1]
    )
    settings: Any = {"activation": "relu", "batch_size": 20, "n_features": 4, "n_hidden": 2}
    clip: Any = {"trainer_gradient_clip_val": 0.01}
    found = trained(steps=5, **settings, **clip)
    if torch.cuda.is_available():  # recorded
        assert 0 < len(calls) <= 5
    else:
        assert len(calls) == 5
    assert_alike(
        found, sup.train(engine="native", trainer="cpu", steps=5, **settings, **clip), 2e-5
    )
