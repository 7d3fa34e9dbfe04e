"""Whole trainings by kernels: as torch's, and the same bits alone, stacked and gone on with."""

import os
import signal
from typing import Any

import numpy as np
import pytest
import torch

import sup
from sup.training.native import steps as native_steps
from sup.training.native.steps import NativeSteps, Words

VARIABLES = ("W", "b", "loss", "training_loss", "training_W")
STEPS: Any = {"steps": 200}


def same(one, other) -> bool:
    return all(np.array_equal(one[name].values, other[name].values) for name in VARIABLES)


@pytest.fixture(scope="module")
def grid():
    """Two activations, densities and seeds, each with two rates and decays: 32 models."""
    return sup.train(**GRID, **STEPS)


GRID: dict[str, Any] = {
    "activation": ["relu", "gelu"],
    "sparsity": [0, 0.9],
    "seed": [0, 2**40],
    "optimizer_lr": [0.01, 0.003],
    "optimizer_weight_decay": [0, 0.1],
}


def test_the_same_as_by_torch(grid):
    by_torch = sup.train(**GRID, **STEPS, engine="eager")
    assert abs(grid["W"] - by_torch["W"]).max() < 2e-5
    assert abs(grid["training_loss"] - by_torch["training_loss"]).max() < 2e-5


@pytest.mark.parametrize(
    "scheduler",
    [
        sup.Part("torch.optim.lr_scheduler.LinearLR", {"start_factor": 0.01, "total_iters": 60}),
        sup.Part("torch.optim.lr_scheduler.StepLR", {"step_size": 30, "gamma": 0.5}),
    ],
)
def test_a_schedule_with_a_warm_up_or_with_stairs(scheduler: sup.Part):
    shared: Any = {"activation": "relu", "optimizer_lr": [0.01, 0.003], "scheduler": scheduler}
    one, other = (sup.train(**shared, **STEPS, engine=name) for name in ("native", "eager"))
    assert abs(one["W"] - other["W"]).max() < 2e-5
    constant = sup.train(**{**shared, "scheduler": "constant"}, **STEPS)
    assert abs(one["W"] - constant["W"]).max() > 1e-3


@pytest.mark.parametrize("threads", [1, 2, 3])
def test_alone_on_any_number_of_threads_to_the_bit(grid, threads: int):
    point: Any = {
        "sparsity": 0.9,
        "seed": 2**40,
        "optimizer_lr": 0.003,
        "optimizer_weight_decay": 0.1,
    }
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        alone = sup.train(activation="gelu", **point, **STEPS)
        few = sup.train(activation=["gelu", "relu"], **{**point, "seed": [3, 2**40]}, **STEPS)
    finally:
        torch.set_num_threads(before)
    assert same(alone, grid.sel(activation="gelu", **point))
    assert same(few.sel(activation="gelu", seed=2**40), alone)


@pytest.mark.parametrize("overrides", [(), ("data=quadrature", "n_features=2", "n_hidden=1")])
def test_stopped_in_the_middle_of_a_chunk_and_gone_on_with(
    overrides, command, monkeypatch, no_figures, tmp_path
):
    settings = ("activation=relu", "sparsity=[0,0.9]", "steps=300", "logger=none", *overrides)
    assert command(*settings, "hydra.run.dir=undisturbed").status == 0
    take = NativeSteps.take

    def interrupting(self, steps, *given):
        take(self, steps, *given)
        if steps.stop == 130:
            os.kill(os.getpid(), signal.SIGTERM)

    def few(self, steps):
        return [range(step, step + 1) for step in steps]

    with monkeypatch.context() as patch:
        patch.setattr(NativeSteps, "take", interrupting)
        patch.setattr(NativeSteps, "parts", few)
        stopped = command(*settings, "hydra.run.dir=run")
    assert stopped.status == 143
    assert "stopped at step 130; checkpoint at step 130" in stopped.out
    on = command(*settings, "hydra.run.dir=run")
    assert on.status == 0
    assert "going on from run/checkpoints/" in on.out
    one, other = (sup.load_run(tmp_path / name) for name in ("undisturbed", "run"))
    assert same(one, other)


def test_one_that_diverges_is_seen_at_its_step_and_by_no_neighbour():
    shared: Any = {"activation": "gelu", "sparsity": 0.5, "steps": 150}
    sound = sup.train(**shared, init_gain=1.0)
    for gain in (1e15, 1e25):
        both = sup.train(**shared, init_gain=[1.0, gain])
        by_torch = sup.train(**shared, init_gain=[1.0, gain], engine="eager")
        assert same(both.isel(init_gain=0), sound)
        bad, torchs = both.isel(init_gain=1), by_torch.isel(init_gain=1)
        assert bad["diverged"].item()
        assert bad["first_bad_step"] == torchs["first_bad_step"]
        assert np.isnan(bad["training_loss"].values).all()
        assert np.array_equal(bad["W"], torchs["W"])
        assert np.isfinite(bad["W"].values).all()


def test_one_that_diverges_between_two_measurements():
    # A decay of 3 a step: weights of the other sign, and twice the size, at every step.
    shared: Any = {"activation": "relu", "optimizer_weight_decay": [0, 300], "batch_size": 64}
    native, torchs = (
        sup.train(**shared, steps=120, engine=name).isel(optimizer_weight_decay=1)
        for name in ("native", "eager")
    )
    assert native["first_bad_step"] == torchs["first_bad_step"]
    assert 20 < native["first_bad_step"] < 60
    for name in ("W", "b"):
        size = abs(torchs[name]).max()
        assert np.isfinite(size)
        assert abs(native[name] - torchs[name]).max() < 1e-4 * size
    sound = sup.train(**{**shared, "optimizer_weight_decay": 0}, steps=120)
    both = sup.train(**shared, steps=120)
    assert same(both.isel(optimizer_weight_decay=0), sound)
    lost = both["training_loss"].isel(optimizer_weight_decay=1)
    assert np.isnan(lost.isel({lost.dims[-1]: -1}))


def test_no_gradient_is_needed_of_what_is_clipped_by_torch():
    shared: Any = {"activation": "relu", "sparsity": [0, 0.9], "steps": 120}
    clip: Any = {"trainer_gradient_clip_val": 0.05}
    one, other = (sup.train(**shared, **clip, engine=name) for name in ("native", "eager"))
    assert abs(one["W"] - other["W"]).max() < 2e-5
    assert abs(one["W"] - sup.train(**shared)["W"]).max() > 1e-3


class Root(torch.nn.Module):
    """Its slope is infinite at 0: at what fills up a batch, but at no sample."""

    expressions = ("sqrt(abs(z))", "where(z > 0, 0.5, -0.5) / sqrt(abs(z))")

    def forward(self, z):
        return z.abs().sqrt()


def test_what_fills_up_a_batch_has_no_part_in_it():
    given: Any = {"batch_size": 17, "steps": 100, "optimizer_lr": 1e-4, "init_gain": 0.3}
    clip: Any = {"trainer_gradient_clip_val": 1}
    one, other = (
        sup.train(activation=Root, engine=e, **given, **clip) for e in ("native", "eager")
    )
    assert not one["diverged"].item()
    assert abs(one["W"] - other["W"]).max() < 1e-3


def test_words_are_drawn_ahead_and_hardly_any_twice(monkeypatch):
    drawn = []
    drawing = Words.drawing
    monkeypatch.setattr(
        Words, "drawing", lambda self, steps: drawn.append(steps) or drawing(self, steps)
    )
    sup.train(activation="relu", steps=300)
    covered = [step for steps in drawn for step in steps]
    assert set(covered) == set(range(300))
    assert len(covered) < 400


@pytest.mark.parametrize(("data", "summed"), [("sampled", 1024), ("quadrature", 641)])
def test_signals_are_looked_for_by_the_work_that_is_done(data, summed, monkeypatch):
    taken, take = [], NativeSteps.take
    monkeypatch.setattr(native_steps, "MOST_WORK", 10 * 5 * 2 * 1 * summed)
    monkeypatch.setattr(
        NativeSteps,
        "take",
        lambda self, steps, *given: taken.append(steps) or take(self, steps, *given),
    )
    sup.train(data=data, n_features=2, n_hidden=1, steps=2000)  # measured every 20
    assert max(map(len, taken)) == 10


def plain(z):
    return 1.5 * z


def scaled(z, k=1.0):
    return k * z


class Withdrawn(torch.nn.ReLU):
    """Has expressions, which are none."""

    expressions = None


class OfFeatures(torch.nn.Module):
    """Has a number of each feature, which no kernel takes."""

    expressions = ("z * scale", "scale")

    def __init__(self):
        super().__init__()
        self.scale = torch.tensor([0.5, 1.0, 2.0])[:, None]

    def forward(self, z):
        return z * self.scale


class Late(torch.nn.Identity):
    """Has expressions only when it is made."""

    def __init__(self):
        super().__init__()
        self.expressions = ("z", "1")


FEW: Any = {"steps": 100, "n_features": 3, "n_hidden": 2, "batch_size": 64}


@pytest.fixture(scope="module")
def alone():
    """Two activations with kernels, and none beside them that has not."""
    return sup.train(activation=["relu", Late], **FEW)


@pytest.mark.parametrize(
    "without",
    [plain, Withdrawn, OfFeatures, sup.Part(scaled, {"k": 2.0}, name="scaled")],
    ids=["plain", "withdrawn", "of features", "scaled"],  # no addresses, in which processes differ
)
def test_beside_an_activation_without_a_kernel_the_bits_stay(without, alone, caplog, monkeypatch):
    monkeypatch.setattr(scaled, "expressions", ("k * z", "k"), raising=False)
    with caplog.at_level("INFO", logger="sup"):
        beside = sup.train(activation=["relu", without, Late], **FEW)
    assert "3 runs, 3 instances, 2 stacks" in caplog.text
    for name in ("relu", "late"):
        assert same(beside.sel(activation=name), alone.sel(activation=name))
    # Before it is worth a kernel, torch trains both.
    caplog.clear()
    with caplog.at_level("INFO", logger="sup"):
        sup.train(activation=["relu", without], **{**FEW, "steps": 99})
    assert "stacks" not in caplog.text
