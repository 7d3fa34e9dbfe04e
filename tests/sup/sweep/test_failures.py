"""A job that cannot be trained fails alone, with its reason, and the command fails with it."""

import csv
import os
import pickle
import signal
import sys
from types import ModuleType

import numpy as np
import pytest
import torch

import sup
from sup.config.rules import SettingError
from sup.sweep.failures import RunError
from sup.sweep.work import work
from sup.system import signals
from sup.training.stack import Stack

pytestmark = pytest.mark.usefixtures("no_figures")

QUIET = ("steps=40", "logger=none")


@pytest.fixture
def failing(monkeypatch) -> ModuleType:
    """Provide a user's module whose activation passes its trial and raises in training."""
    module = ModuleType("failing")

    def fails(z):
        if z.shape[-1] >= 1024 and module.__dict__["on"]:
            raise ZeroDivisionError("no such number")
        return torch.relu(z)

    module.__dict__.update(fails=fails, on=True)
    monkeypatch.setitem(sys.modules, "failing", module)
    return module


def jobs(directory) -> list[dict[str, str]]:
    with (directory / "sweep.csv").open() as file:
        return list(csv.DictReader(file))


def test_a_gpu_that_is_lost_is_tried_no_more(failing, command, monkeypatch, tmp_path):
    """Its error is returned by every later call in the process, not to that stack alone."""
    tried = []

    def breaks(z):
        if z.shape[-1] >= 1024:
            tried.append(1)
            raise RuntimeError("CUDA error: device-side assert triggered")
        return torch.relu(z)

    def synchronize():
        if tried:
            raise RuntimeError("CUDA error: device-side assert triggered")

    failing.__dict__["breaks"] = breaks
    monkeypatch.setattr(torch.cuda, "is_initialized", lambda: True)
    monkeypatch.setattr(torch.cuda, "synchronize", synchronize)
    monkeypatch.setattr("sup.launch.local.accelerator_of", lambda settings: "cuda")
    swept = ("activation._target_=failing.breaks", "n_hidden=2,5", "sparsity=0,0.9")
    outcome = command("-m", *swept, "hydra.sweep.dir=sweep", "stack.max_memory=1", *QUIET)
    assert outcome.status == 1
    assert len(tried) == 1  # neither by halves nor by the next stack
    reasons = [row["reason"] for row in jobs(tmp_path / "sweep")]
    assert [reason.split(":")[0] for reason in reasons] == ["RuntimeError"] * 2 + ["not tried"] * 2


SWEEP = (
    "-m",
    "activation._target_=sup.model.activations.GELU,failing.fails,sup.model.activations.Tanh",
    "sparsity=0,0.9",
    "hydra.sweep.dir=sweep",
    *QUIET,
)


def test_the_others_finish_and_the_command_fails(failing, command, tmp_path):
    outcome = command(*SWEEP)
    assert outcome.status == 1
    reason = "ZeroDivisionError: no such number"
    assert outcome.error.strip().splitlines()[-1] == (f"error: 2 of 6 runs failed; job 2: {reason}")
    assert [line for line in outcome.out.splitlines() if line.startswith("failed: ")] == [
        f"failed: activation._target_=failing.fails sparsity={sparsity} steps=40 logger=none: "
        f"{reason}"
        for sparsity in ("0", "0.9")
    ]
    rows = jobs(tmp_path / "sweep")
    assert [row["status"] for row in rows] == ["finished"] * 2 + ["failed"] * 2 + ["finished"] * 2
    assert [row["reason"] for row in rows[2:4]] == [reason, reason]
    error = (tmp_path / "sweep" / "2" / "error.txt").read_text()
    assert error.startswith(reason)
    assert "Traceback" in error
    whole = sup.load_sweep(tmp_path / "sweep")
    assert whole["W"].shape == (2, 2, 5, 10)

    failing.__dict__["on"] = False  # the user mends it and repeats the command
    assert command(*SWEEP).status == 0
    assert not list((tmp_path / "sweep").rglob("error.txt"))
    assert {row["status"] for row in jobs(tmp_path / "sweep")} == {"finished"}


def test_it_fails_even_if_its_figures_cannot_be_drawn(failing, command, monkeypatch, tmp_path):
    def undrawable(results):
        raise KeyError("no such shape")

    monkeypatch.setattr("sup.figures.sweep.sweep_figures", undrawable)
    outcome = command(*SWEEP)
    assert outcome.status == 1
    assert "warning: the sweep's figures: KeyError: 'no such shape'" in outcome.error
    assert outcome.error.strip().splitlines()[-1].startswith("error: 2 of 6 runs failed; job 2: ")
    assert len(jobs(tmp_path / "sweep")) == 6


@pytest.mark.parametrize("error", [FileNotFoundError("table.npy"), SystemExit("bye")])
def test_whatever_a_job_raises_is_its_own(error, failing, command, tmp_path):
    def fails(z):
        if z.shape[-1] >= 1024:
            raise error
        return torch.relu(z)

    failing.__dict__["fails"] = fails
    assert command(*SWEEP).status == 1
    assert [row["status"] for row in jobs(tmp_path / "sweep")].count("finished") == 4
    assert jobs(tmp_path / "sweep")[2]["reason"] == f"{type(error).__name__}: {error}"


def test_a_sweep_of_failures_alone_has_its_page_too(failing, command, tmp_path):
    own = [one for one in SWEEP if "_target_" not in one and one != "logger=none"]
    outcome = command("-m", "activation._target_=failing.fails", *own[1:], "~callbacks.images")
    assert outcome.status == 1
    warnings = [line for line in outcome.error.splitlines() if line.startswith("warning")]
    assert all(line.endswith("trying each half") for line in warnings)
    (table,) = tmp_path.glob("sweep/wandb/offline-run-*/files/media/table/jobs_*.json")
    assert "no such number" in table.read_text()


def test_further_batches_are_trained(failing, command, tmp_path):
    outcome = command(*SWEEP, "hydra.sweeper.max_batch_size=2")
    assert outcome.status == 1
    assert "error: 2 of 6 runs failed" in outcome.error
    assert [row["status"] for row in jobs(tmp_path / "sweep")].count("finished") == 4


def test_errors_survive_the_way_from_another_process():
    for error in (RunError("a run", "why"), SettingError("steps", [1, "a"], "must be one")):
        again = pickle.loads(pickle.dumps(error))
        assert (type(again), str(again)) == (type(error), str(error))


def test_a_signal_in_a_step_that_fails_ends_the_command(failing, command, tmp_path):
    def fails(z):
        if z.shape[-1] >= 1024:
            os.kill(os.getpid(), signal.SIGTERM)
            raise ZeroDivisionError
        return torch.relu(z)

    failing.__dict__["fails"] = fails
    outcome = command(*SWEEP)
    assert outcome.status == 143
    assert not list((tmp_path / "sweep").rglob("results.nc"))


def test_a_stack_that_submitit_has_queued_again_has_not_failed(failing, make_run):
    def fails(z):
        if z.shape[-1] >= 1024:
            signals.note(signal.SIGUSR2)
            raise SystemExit(-1)
        return torch.relu(z)

    failing.__dict__["fails"] = fails
    runs = [make_run("activation._target_=failing.fails", f"seed={seed}") for seed in (0, 1)]
    with signals.stoppable(), pytest.raises(SystemExit) as raised:
        work(Stack.of(runs))
    assert raised.value.code == -1
    assert not any((run.directory / "error.txt").exists() for run in runs)
    with signals.stoppable():
        pass  # so that no later test is stopped by it


def test_what_is_trained_beside_it_is_the_same(failing, command, tmp_path):
    healthy = [one.replace("failing.fails,", "") for one in SWEEP]
    assert command(*SWEEP).status == 1
    assert command(*healthy, "hydra.sweep.dir=healthy").status == 0
    one, other = (sup.load_sweep(tmp_path / name) for name in ("sweep", "healthy"))
    assert np.abs(one["W"].values - other["W"].values).max() < 1e-5


@pytest.mark.parametrize("launcher", ["stacked", "basic"])
def test_hydras_own_launcher_too(launcher, failing, command, tmp_path):
    outcome = command(*SWEEP, f"hydra/launcher={launcher}")
    assert outcome.status == 1
    assert outcome.error.strip().splitlines()[-1].startswith("error: 2 of 6 runs failed; job 2: ")
    assert [row["status"] for row in jobs(tmp_path / "sweep")].count("finished") == 4


def test_a_run_by_itself(failing, command):
    outcome = command("activation._target_=failing.fails", *QUIET)
    assert outcome.status == 1
    assert outcome.error.strip().splitlines() == [
        "error: activation._target_=failing.fails steps=40 logger=none: "
        "ZeroDivisionError: no such number"
    ]


def test_a_full_disk_is_not_tried_again_by_halves(command, monkeypatch, tmp_path):
    def full(results, directory):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("sup.sweep.keep.save", full)
    outcome = command("-m", "seed=0,1,2,3", *QUIET, "hydra.sweep.dir=sweep")
    assert outcome.status == 1
    assert "each half" not in outcome.error
    assert "4 of 4 runs failed; job 0: OSError: [Errno 28] No space left on device" in outcome.error
