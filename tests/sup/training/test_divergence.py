"""An instance that is no longer finite is frozen, said so, and its neighbours never notice."""

import shutil
import warnings
from typing import Any

import numpy as np
import pytest
import torch

import sup
from sup.sweep.failures import RunError

HUGE = "optimizer.lr=1e30"
NAMES = ("W", "b", "loss", "training_loss", "total_dimensionality")


WITHOUT: list = []
"""The results of eleven runs without a twelfth, trained once for all tests."""


def same(one, other) -> bool:
    return all(np.array_equal(one[name].values, other[name].values) for name in NAMES)


def sweep(make_run):
    return [
        make_run(f"activation={activation}", f"sparsity={sparsity}", "steps=150")
        for activation in ("relu", "gelu", "solu")
        for sparsity in (0, 0.5, 0.9, 0.99)
    ]


@pytest.mark.parametrize(
    "bad",
    [
        ("activation=gelu", "sparsity=0.5", HUGE),
        ("activation=solu", "sparsity=0.9", "init.gain=1e25"),
        ("activation._target_=torch.exp", "optimizer.lr=100"),
    ],
)
def test_eleven_neighbours_are_bit_identical(bad, make_run, train_runs):
    if not WITHOUT:
        WITHOUT.extend(train_runs(*sweep(make_run)[:11]))
    *beside, diverged = train_runs(*sweep(make_run)[:11], make_run(*bad, "steps=150"))
    assert all(same(one, other) for one, other in zip(WITHOUT, beside, strict=True))
    assert not any(one["diverged"].item() for one in beside)
    assert diverged["diverged"].item()
    assert 1 <= diverged["first_bad_step"].item() <= 150
    assert np.isnan(diverged["loss"].item())
    assert np.isfinite(diverged["W"].values).all()


def test_it_keeps_the_weights_from_before_its_first_bad_step(make_run, train_runs):
    settings = ("activation._target_=torch.exp", "optimizer.lr=3", "scheduler=constant")
    (diverged,) = train_runs(make_run(*settings, "seed=[0,1]", "steps=150"))
    steps = [int(step) for step in diverged["first_bad_step"].values]
    assert min(steps) > 1
    for seed, step in enumerate(steps):
        (before,) = train_runs(make_run(*settings, f"seed={seed}", f"steps={step - 1}"))
        # Its weights are finite, and so may be their loss.
        assert not before["diverged"].item() or before["first_bad_step"].item() == step
        assert before["W"].values == pytest.approx(diverged["W"].sel(seed=seed).values, rel=1e-4)
        (after,) = train_runs(make_run(*settings, f"seed={seed}", f"steps={step}"))
        assert after["diverged"].item()


def test_what_the_last_step_has_done_is_seen(make_run, train_runs):
    (results,) = train_runs(make_run(HUGE, "steps=1"))
    assert np.isfinite(results["training_loss"].values).all()
    assert results["first_bad_step"].item() == 2
    assert np.isnan(results["loss"].item())


@pytest.mark.parametrize("engine", ["autograd", "eager", "compiled"])
def test_every_engine_and_torchs_optimizers(engine, make_run, train_runs):
    torchs = ("optimizer._target_=torch.optim.SGD", "~optimizer.weight_decay", f"engine={engine}")
    (results,) = train_runs(make_run(*torchs, "optimizer.lr=1e12", "steps=30"))
    assert results["diverged"].item()
    (ours,) = train_runs(make_run("optimizer.lr=[0.01,1e30]", f"engine={engine}", "steps=30"))
    assert ours["diverged"].values.tolist() == [False, True]


def test_a_grid_with_one_of_them_is_drawn_and_summed_up_without_it(command, tmp_path):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        outcome = command("optimizer.lr=[0.01,1e30,0.1]", "steps=60", "logger=csv")
    assert outcome.status == 0
    assert "frozen at step 2 (1 of 3 instances, the first)" in outcome.out
    assert "nan" not in outcome.out
    (directory,) = tmp_path.glob("outputs/*/*")
    assert len(list(directory.glob("figures/*.png"))) == 3
    results = sup.load_run(directory)
    assert results["diverged"].values.tolist() == [False, True, False]
    last = (directory / "csv" / "metrics.csv").read_text().splitlines()
    assert any(float(line.split(",")[0] or "nan") > 0 for line in last[1:])


def test_going_on_after_it(make_run, train_runs, monkeypatch):
    from sup.callbacks import StackCheckpoint

    def runs():
        return [make_run("steps=300"), make_run(HUGE, "steps=300")]

    whole = train_runs(*runs())
    after_chunk = StackCheckpoint.after_chunk

    def stopping(self, trainer, module):
        self.seconds = 0
        after_chunk(self, trainer, module)
        if module.step >= 150:
            raise OSError

    stopped = runs()
    shutil.rmtree(stopped[0].directory.parent / "checkpoints")  # or it would be gone on from
    with monkeypatch.context() as patch:
        patch.setattr(StackCheckpoint, "after_chunk", stopping)
        with pytest.raises(RunError, match="OSError"):
            train_runs(*stopped)
    resumed = train_runs(*stopped)
    for one, other in zip(whole, resumed, strict=True):
        assert np.array_equal(one["W"].values, other["W"].values)
        assert one["first_bad_step"].equals(other["first_bad_step"])


def test_one_that_is_not_a_number_from_some_input_on_is_frozen_when_that_comes():
    """It holds where it is tried, and for thousands of numbers; a rising bias takes it there."""

    def brittle(z):
        return torch.where(z > 0.8, torch.nan, z)

    small: dict[str, Any] = {"n_features": 5, "n_hidden": 2, "steps": 120, "batch_size": 64}
    small |= {"optimizer_lr": 0.02, "init_gain": 0.05}
    results = sup.train(activation=[brittle, "linear"], **small)
    late = results.sel(activation="brittle")
    assert late["diverged"].item()
    assert 1 < late["first_bad_step"].item() <= 121
    assert np.isfinite(late["W"].values).all()
    assert np.isnan(late["loss"].item())
    assert not results.sel(activation="linear")["diverged"].item()
