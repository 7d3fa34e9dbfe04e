"""The same settings on the same machine: the same results, bit for bit."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import xarray as xr

import sup

ROOT = Path(__file__).parent.parent

SETTINGS = ("n_features=5", "n_hidden=2", "steps=130", "batch_size=64", "figures=none")
ACTIVATIONS, SPARSITIES = ["relu", "solu"], [0, 0.9]
SWEEP = ("-m", "activation=relu,solu", "sparsity=0,0.9", "seed=[0,1]", *SETTINGS)


def trained() -> xr.Dataset:
    small: dict[str, Any] = {"n_features": 5, "n_hidden": 2, "steps": 130, "batch_size": 64}
    return sup.train(activation=ACTIVATIONS, sparsity=SPARSITIES, seed=[0, 1], **small)


@pytest.fixture(scope="module")
def base() -> xr.Dataset:
    """Train eight models as one stack."""
    return trained()


def assert_same(results: xr.Dataset, base: xr.Dataset) -> None:
    """Compare every variable of some results with the same models of the base."""
    own = base.sel(activation=results["activation"], sparsity=results["sparsity"])
    assert results.sizes == base.sizes
    assert {"W", "b", "loss", "training_loss", "training_W"} <= set(base.data_vars)
    for name in base.data_vars:
        expected = own[name].transpose(*results[name].dims).values
        if expected.dtype.kind == "f":
            assert np.array_equal(results[name].values, expected, equal_nan=True), name
        else:
            assert np.array_equal(results[name].values, expected), name


def test_trained_again(base: xr.Dataset):
    assert_same(trained(), base)


def test_in_chunks_of_another_length(base: xr.Dataset, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("sup.training.schedule.CHUNK", 7)
    assert_same(trained(), base)


WITHOUT_CALLBACKS = [
    f"~callbacks.{name}" for name in ("metrics", "images", "checkpoint", "progress")
]

VARIANTS = {
    "in another order, with a logger": ("activation=solu,relu", "sparsity=0.9,0", "logger=csv"),
    "without callbacks": ("logger=none", *WITHOUT_CALLBACKS),
}


@pytest.mark.parametrize("variant", VARIANTS)
def test_by_a_command(variant: str, base: xr.Dataset, command, tmp_path: Path):
    outcome = command(*SWEEP, *VARIANTS[variant], "hydra.sweep.dir=here")
    assert outcome.status == 0, outcome.error
    assert_same(sup.load_sweep(tmp_path / "here"), base)


def test_in_another_process(base: xr.Dataset, tmp_path: Path):
    command = [
        sys.executable,
        str(ROOT / "train.py"),
        *SWEEP,
        "logger=none",
        "hydra.sweep.dir=here",
    ]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert_same(sup.load_sweep(tmp_path / "here"), base)


def test_by_two_threads():
    def alone() -> xr.Dataset:
        return sup.train(steps=50)

    before, trained_by = torch.get_num_threads(), []
    for threads in (1, 2):
        torch.set_num_threads(threads)
        trained_by.append(alone())
        assert torch.get_num_threads() == threads
    torch.set_num_threads(before)
    one, two = trained_by
    for name in one.data_vars:
        assert np.array_equal(one[name].values, two[name].values, equal_nan=True), name
