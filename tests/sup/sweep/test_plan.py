"""Stacks too large for the device, and shares of stacks on several devices."""

import json
import signal
from dataclasses import replace

import numpy as np
import pytest
import torch
import xarray as xr

import sup
from sup.callbacks import Results
from sup.config.identity import instance_keys, training_key
from sup.config.rules import SettingError
from sup.sweep.memory import needed
from sup.sweep.plan import grouped
from sup.sweep.resume import earlier_outcome, is_finished, place_of
from sup.system.memory import main_memory
from sup.system.signals import Stopped
from sup.training import kernels
from sup.training.native import compiler
from sup.training.outcome import Outcome
from sup.training.slice import Slice
from sup.training.stack import Stack

pytestmark = pytest.mark.usefixtures("no_figures")

QUIET = ("steps=20", "logger=csv", "~callbacks.images", "~callbacks.progress")
GRID = ("-m", "activation=relu,gelu", "sparsity=[0,0.5,0.9]", "seed=[0,1]", *QUIET)


@pytest.fixture(scope="module")
def whole() -> xr.Dataset:
    """Return the results of two runs of six instances, trained in one stack."""
    grid = {"sparsity": [0, 0.5, 0.9], "seed": [0, 1]}
    return sup.train(activation=["relu", "gelu"], **grid, steps=20)


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
        ("stack.max_instances=4", 4),  # runs of six are cut in slices of three
    ],
)
def test_split_by_hand_is_whole(limit, stacks, whole, command, tmp_path):
    outcome = command(*GRID, limit, "hydra.sweep.dir=split")
    assert outcome.status == 0
    assert f"2 runs, 12 instances, {stacks} stacks" in outcome.out
    same(sup.load_sweep(tmp_path / "split"), whole)
    assert not list((tmp_path / "split").rglob("slices"))
    one = sup.load_run(tmp_path / "split" / "0")
    assert json.loads(one.attrs["config"])["sparsity"] == [0, 0.5, 0.9]
    curve = (tmp_path / "split" / "0" / "csv" / "metrics.csv").read_text()
    assert {"training_loss", "loss"} <= {*curve.splitlines()[0].split(",")}


def test_split_by_memory_is_whole(whole, command, tmp_path):
    outcome = command(*GRID, "stack.max_memory=0.0015", "hydra.sweep.dir=split")
    assert outcome.status == 0
    assert "2 runs, 12 instances: would take 0.00" in outcome.out
    assert "0.0015 are allowed; trained in " in outcome.out
    same(sup.load_sweep(tmp_path / "split"), whole)


def test_a_cut_run_that_was_interrupted_goes_on(whole, command, monkeypatch, tmp_path):
    settings = (*GRID, "stack.max_instances=3", "hydra.sweep.dir=split")
    evaluate, evaluated = Results.on_train_end, []

    def stop(self, trainer, pl_module):
        if len(evaluated) == 2:
            raise Stopped(signal.SIGTERM)
        evaluated.append(self.stack.title)
        evaluate(self, trainer, pl_module)

    with monkeypatch.context() as patch:
        patch.setattr(Results, "on_train_end", stop)
        assert command(*settings).status == 143
    assert not list(tmp_path.rglob("results.nc"))
    kept = list(tmp_path.glob("split/*/slices/*.pt"))
    assert [path.parts[-3] for path in kept] == ["0", "0"]  # both slices of the first run
    records = (tmp_path / "split" / "0" / ".hydra" / "config.yaml").read_bytes()
    refused = command(*settings, "batch_size=512")
    assert refused.error.splitlines() == [
        "error: directory=split/0: holds results: it was trained with batch_size=1024, not "
        "batch_size=512; use another directory (or, in a sweep, give new values after the old ones)"
    ]
    assert (tmp_path / "split" / "0" / ".hydra" / "config.yaml").read_bytes() == records
    outcome = command(*settings)
    assert outcome.status == 0
    assert outcome.out.count("going on from") == 1  # the one that was stopped, not those before it
    same(sup.load_sweep(tmp_path / "split"), whole)
    assert not any(path.parent.exists() for path in kept)


def test_slices_that_a_kill_has_left_are_removed(command, tmp_path):
    settings = (*GRID[:3], *QUIET, "stack.max_instances=3", "hydra.sweep.dir=split")
    assert command(*settings).status == 0
    before = sup.load_sweep(tmp_path / "split")
    left = tmp_path / "split" / "0" / "slices"
    left.mkdir()
    (left / "0123456789abcdef.pt").write_text("of a kill at the very end")
    same(sup.load_sweep(tmp_path / "split"), before)
    assert "2 of 2 runs finished before" in command(*settings).out
    assert not left.exists()


def of_two_instances() -> Outcome:
    one, more = torch.zeros(2), torch.zeros(2, 1)
    W, snapshots = torch.zeros(2, 1, 1), torch.zeros(2, 0, 1, 1)
    return Outcome(W, more, W[:, :0], one, one, more, more, snapshots, one.long(), 1.0, "cpu", 2)


def test_slices_of_another_run_are_refused(make_run, settings):
    run = make_run("seed=[0,1,2,3]")
    outcome = of_two_instances()
    path = place_of(Slice(run, range(2)))
    assert path is not None
    outcome.save(path, training_key(run.settings), instance_keys(run.settings)[:2])
    assert not is_finished(run)
    for change, message in [
        ("batch_size=512", "batch_size=1024, not"),
        ("seed=[0,2]", "seed=1, no"),
    ]:
        other = replace(run, settings=settings("seed=[0,1,2,3]", change))
        with pytest.raises(SettingError, match=message):
            is_finished(other)
    path.write_text("no slice")
    with pytest.raises(SettingError, match="cannot be read; remove it"):
        is_finished(run)


def test_a_slice_of_other_settings_or_instances_is_never_taken_for_it(make_run, settings):
    run = make_run("seed=[0,1,2,3]")
    other = replace(run, settings=settings("seed=[0,1,2,3]", "batch_size=512"))
    outcome = of_two_instances()
    path = place_of(Slice(run, range(2)))
    assert path is not None
    outcome.save(path, training_key(run.settings), instance_keys(run.settings)[:2])
    assert earlier_outcome(Slice(run, range(2))) is not None
    assert earlier_outcome(Slice(run, range(2, 4))) is None
    assert earlier_outcome(Slice(run, range(1))) is None
    assert earlier_outcome(Slice(other, range(2))) is None


def test_the_estimate_grows_with_everything_that_takes_memory(make_run):
    def estimate(*overrides: str) -> int:
        return needed(Stack.of([make_run(*overrides)]))

    least = estimate()
    for more in ("seed=[0,1]", "batch_size=4096", "n_features=100", "n_hidden=100"):
        assert estimate(more) > least


def test_a_containers_limit_counts(tmp_path):
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
def test_limits_that_cannot_be(override, message, settings):
    with pytest.raises(SettingError, match=message):
        settings(override)


@pytest.mark.parametrize(
    "where", ["in float64", "without a compiler", "without Triton", "a CPU", "a GPU"]
)
def test_runs_are_told_apart_only_where_kernels_can_run(where, make_run, monkeypatch):
    doubled = ("trainer.precision=64-true",) if where == "in float64" else ()
    one, other = (
        make_run(activation, "steps=1000", *doubled)
        for activation in ("activation=relu", "activation._target_=torch.nn.Softshrink")
    )
    monkeypatch.setattr(torch.cuda, "is_available", lambda: where in ("a GPU", "without Triton"))
    found = None if where == "without Triton" else "triton"
    monkeypatch.setattr(kernels, "find_spec", lambda name: found)
    if where == "without a compiler":
        monkeypatch.setenv("CXX", "")
        monkeypatch.setenv("PATH", "")
        monkeypatch.setattr(compiler, "find_spec", lambda name: None)
    compiler.compiler.cache_clear()
    assert len(grouped([one, other])) == (2 if where in ("a CPU", "a GPU") else 1)
    compiler.compiler.cache_clear()


class Shrunk(torch.nn.Module):
    """Has no expressions, and so no kernel."""

    def forward(self, z):
        return torch.nn.functional.softshrink(z, 0.1)


@pytest.mark.parametrize(("steps", "stacks"), [(99, 1), (100, 2)])
def test_one_without_a_kernel_is_not_noticed(steps, stacks, caplog):
    grid = {"sparsity": [0, 0.9], "steps": steps, "batch_size": 64}
    with caplog.at_level("INFO", logger="sup"):
        both = sup.train(activation=["relu", Shrunk], **grid)
    chosen = ("engine: native", "engine: closed form")
    engines = [record.message for record in caplog.records if record.message in chosen]
    assert engines == list(chosen[2 - stacks :])
    alone = sup.train(activation="relu", **grid)
    assert np.array_equal(both["W"][0], alone["W"]) or stacks == 1
    assert abs(both["W"][0] - alone["W"]).max() < 1e-5
