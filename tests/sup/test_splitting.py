"""Stacks too large for the device, and shares of stacks on several devices."""

import json
import shutil

import numpy as np
import pytest

import sup
from sup.config.settings import SettingError

pytestmark = pytest.mark.usefixtures("no_figures")

QUIET = ("steps=20", "logger=csv", "~callbacks.images", "~callbacks.progress")
GRID = ("-m", "activation=relu,gelu", "sparsity=[0,0.5,0.9]", "seed=[0,1]", *QUIET)


@pytest.fixture
def whole(command, tmp_path):
    """Provide the results of two runs of six instances, trained in one stack."""
    assert command(*GRID, "hydra.sweep.dir=whole").status == 0
    return sup.load_sweep(tmp_path / "whole")


def same(one, other) -> None:
    assert one["W"].dims == other["W"].dims
    for name in one.data_vars:
        assert one[name].dtype == other[name].dtype, name
        values, others = one[name].values.astype(float), other[name].values.astype(float)
        assert np.allclose(values, others, atol=1e-5, rtol=1e-3, equal_nan=True), name
    for name in one.coords:
        assert one[name].equals(other[name]), name


@pytest.mark.parametrize(
    ("limit", "stacks"),
    [
        ("stack.max_instances=6", 2),  # a run each
        ("stack.max_instances=4", 4),  # runs of six are cut in parts of two and four
    ],
)
def test_split_by_hand_is_whole(limit, stacks, whole, command, tmp_path):
    outcome = command(*GRID, limit, "hydra.sweep.dir=split")
    assert outcome.status == 0
    assert f"2 runs, 12 instances, {stacks} stacks" in outcome.out
    same(sup.load_sweep(tmp_path / "split"), whole)
    assert not list((tmp_path / "split").rglob("parts"))
    one = sup.load_run(tmp_path / "split" / "0")
    assert json.loads(one.attrs["config"])["sparsity"] == [0, 0.5, 0.9]
    curve = (tmp_path / "split" / "0" / "csv" / "metrics.csv").read_text()
    assert "held_out_loss" in curve


def test_split_by_memory_is_whole(whole, command, tmp_path):
    outcome = command(*GRID, "stack.max_memory=0.0015", "hydra.sweep.dir=split")
    assert outcome.status == 0
    assert "2 runs, 12 instances: would take 0.00" in outcome.out
    assert "0.0015 are allowed; trained in " in outcome.out
    same(sup.load_sweep(tmp_path / "split"), whole)


def test_a_cut_run_that_was_interrupted_goes_on(whole, command, monkeypatch, tmp_path):
    from callbacks import Results

    settings = (*GRID, "stack.max_instances=3", "hydra.sweep.dir=split")
    write, written = Results.on_train_end, []

    def stop(self, trainer, pl_module):
        if len(written) == 2:
            raise OSError("power cut")
        written.append(self.stack)
        write(self, trainer, pl_module)

    with monkeypatch.context() as patch:
        patch.setattr(Results, "on_train_end", stop)
        assert command(*settings).status == 1
    finished = {one: one.stat().st_mtime_ns for one in tmp_path.glob("split/*/parts/*/results.nc")}
    assert len(finished) == 2  # parts of the first run
    records = (tmp_path / "split" / "0" / ".hydra" / "config.yaml").read_bytes()
    refused = command(*settings, "batch_size=512")
    assert refused.error.splitlines() == [
        "error: directory=split/0: holds results: it was trained with batch_size=1024, not "
        "batch_size=512; use another directory (or, in a sweep, give new values after the old ones)"
    ]
    assert (tmp_path / "split" / "0" / ".hydra" / "config.yaml").read_bytes() == records
    outcome = command(*settings)
    assert outcome.status == 0
    assert "going on from" in outcome.out
    same(sup.load_sweep(tmp_path / "split"), whole)
    left = tmp_path / "split" / "0" / "parts" / "1-of-3"  # as a kill at the end can leave it
    left.mkdir(parents=True)
    shutil.copy(tmp_path / "split" / "0" / "results.nc", left)
    same(sup.load_sweep(tmp_path / "split"), whole)


def test_the_estimate_grows_with_everything_that_takes_memory(make_run):
    from sup.sweep.memory import needed
    from sup.training.stack import Stack

    def estimate(*overrides: str) -> int:
        return needed(Stack((make_run(*overrides),)))

    least = estimate()
    for more in ("seed=[0,1]", "batch_size=4096", "n_features=100", "n_hidden=100"):
        assert estimate(more) > least


def test_a_containers_limit_counts(tmp_path):
    from sup.sweep.memory import main_memory

    size = main_memory(tmp_path / "nothing")
    (tmp_path / "limit").write_text("1000000\n")
    assert main_memory(tmp_path / "limit") == 1_000_000
    (tmp_path / "limit").write_text("max\n")
    assert main_memory(tmp_path / "limit") == size


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("stack.max_instances=0", "must be a whole number of at least 1, or null"),
        ("stack.max_memory=-1", "must be a number above 0, or null"),
        ("stack.devices=two", "must be a whole number of at least 1, or auto"),
    ],
)
def test_limits_that_cannot_be(override, message, config):
    from sup.config.settings import check

    with pytest.raises(SettingError, match=message):
        check(config(override))
