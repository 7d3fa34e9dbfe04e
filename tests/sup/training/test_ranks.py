"""Two processes on the CPU train what one does, and end together."""

import atexit
import contextlib
import multiprocessing
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from commands import Outcome

import sup
from sup.config.rules import SettingError
from sup.system.signals import Stopped, stoppable
from sup.training import ranks
from sup.training.data_parallel import RankError, Shard
from sup.training.ranks import on_ranks

ROOT = Path(__file__).parents[3]
DDP = ("trainer=ddp", "trainer.accelerator=cpu")
SETTINGS = ("steps=200", "batch_size=255", "~callbacks.progress", "~callbacks.images")

FRAGILE = """
import os

import torch

calls = 0


def relu(z):  # called twice in each step
    global calls
    calls += os.environ.get("LOCAL_RANK") == "1"
    if calls == 150:
        raise RuntimeError("boom")
    return torch.relu(z)


def mortal_once(z):  # in the first stack
    global calls
    calls += os.environ.get("LOCAL_RANK") == "1"
    if calls == 150 and not os.path.exists("died"):
        open("died", "w").close()
        os.kill(os.getpid(), 9)
    return torch.relu(z)


def mortal_parent(z):
    global calls
    calls += os.environ.get("LOCAL_RANK") == "0"
    if calls == 150:
        os.kill(os.getppid(), 9)
    return torch.relu(z)
"""


@pytest.fixture
def fragile(tmp_path, monkeypatch) -> None:
    """Provide a user's module that ranks find too."""
    (tmp_path / "fragile.py").write_text(FRAGILE)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "fragile", raising=False)


@pytest.fixture
def project(tmp_path):
    """Run `train.py` in a process of its own, a user's module beside it, and see that all ends."""
    folder = tmp_path / "project"
    folder.mkdir()
    shutil.copy(ROOT / "train.py", folder)
    (folder / "conf").symlink_to(ROOT / "conf")
    (folder / "fragile.py").write_text(FRAGILE)

    def ran(*arguments: str):
        process = subprocess.Popen(
            [sys.executable, str(folder / "train.py"), *arguments, *SETTINGS],
            cwd=tmp_path,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        try:
            out, error = process.communicate(timeout=600)
            assert ends(process.pid)
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, 9)
        return Outcome(process.returncode, out, error)

    return ran


def ends(group: int) -> bool:
    """Tell whether all processes of a group end soon."""
    until = time.monotonic() + 60
    while time.monotonic() < until:
        try:
            os.killpg(group, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.1)
    return False


def largest_difference(one, other) -> float:
    names = ("W", "b", "loss", "training_loss")
    return max(float(np.abs(one[name].values - other[name].values).max()) for name in names)


def healthy(results):
    """Return the instances whose learning rate is not absurd."""
    return results.isel(optimizer_lr=0)


@pytest.mark.usefixtures("no_figures")
def test_one_run(command, tmp_path):
    grid = ("sparsity=[0,0.9]", "seed=[0,1]", "optimizer.lr=[0.01,1e30]")
    settings = (*grid, "logger=none", *SETTINGS)
    environment, threads, hook = dict(os.environ), torch.get_num_threads(), sys.excepthook
    assert command(*settings, "hydra.run.dir=one").status == 0
    outcome = command(*settings, *DDP, "hydra.run.dir=two")
    assert (outcome.status, outcome.error) == (0, "")
    assert outcome.out.count("engine: ") == 1
    one, two = (sup.load_run(tmp_path / name) for name in ("one", "two"))
    assert largest_difference(healthy(one), healthy(two)) < 1e-5
    # What diverges is frozen at the same step.
    for results in (one, two):
        assert (results["diverged"] == (results["optimizer_lr"] > 1)).all()
    assert one["first_bad_step"].equals(two["first_bad_step"])
    # Nothing is left for the next stack to stumble over.
    assert multiprocessing.active_children() == []
    assert not torch.distributed.is_initialized()
    assert {key for key in os.environ if key not in environment} <= {
        "HYDRA_FULL_ERROR",
        "MPLBACKEND",
    }
    assert sys.excepthook is hook
    assert torch.get_num_threads() == threads
    # What several devices have begun, one can go on with.
    assert command(*settings, "resume=two", "hydra.run.dir=three").status == 0
    three = sup.load_run(tmp_path / "three")
    assert largest_difference(healthy(two), healthy(three)) == 0
    assert two["first_bad_step"].equals(three["first_bad_step"])


@pytest.mark.slow
@pytest.mark.usefixtures("no_figures")
def test_several_stacks_under_multirun(command, make_run, train_runs, tmp_path):
    swept = ("n_hidden=2,5", "activation=relu,solu", "sparsity=0.9", "logger=csv")
    outcome = command("-m", *swept, *DDP, *SETTINGS, "hydra.sweep.dir=sweep")
    assert (outcome.status, outcome.error) == (0, "")
    assert "4 runs, 4 instances, 2 stacks" in outcome.out
    assert outcome.out.count("engine: ") == 2
    cells = [(m, f) for m in (2, 5) for f in ("relu", "solu")]
    alone = train_runs(
        *(
            make_run(f"n_hidden={m}", f"activation={f}", "sparsity=0.9", *SETTINGS[:2])
            for m, f in cells
        )
    )
    for number, one in enumerate(alone):
        folder = tmp_path / "sweep" / str(number)
        assert largest_difference(one, sup.load_run(folder)) < 1e-5
        logged = (folder / "csv" / "metrics.csv").read_text().splitlines()
        assert len(logged) == 1 + len(one["step"]) + 1  # a heading, the curves, the held-out loss
    assert {path.name for path in tmp_path.glob("sweep/*")} >= {"0", "1", "2", "3", "checkpoints"}
    assert not (tmp_path / "outputs").exists()


@pytest.mark.slow  # two processes that import torch; that ranks agree is tested always
@pytest.mark.usefixtures("fragile", "no_figures")
def test_a_rank_that_fails_ends_the_command_with_one_line(command, tmp_path):
    chosen = ("activation._target_=fragile.relu", "logger=none", "hydra.run.dir=run")
    outcome = command(*chosen, *SETTINGS, *DDP)
    assert outcome.status == 1
    (line,) = (line for line in outcome.error.splitlines() if line.startswith("error: "))
    assert line.startswith("error: activation._target_=fragile.relu ")
    assert line.endswith(": RankError: rank 1 failed: RuntimeError: boom (fragile.py, line 13)")
    assert "Traceback" not in outcome.error
    assert not (tmp_path / "run" / "results.nc").exists()
    assert 'fragile.py", line 13, in relu' in (tmp_path / "run" / "error.txt").read_text()
    assert multiprocessing.active_children() == []


@pytest.mark.slow
@pytest.mark.usefixtures("fragile", "no_figures")
def test_a_rank_that_is_killed_fails_its_stack_alone(command, tmp_path):
    swept = ("-m", "activation._target_=fragile.mortal_once", "n_hidden=2,5", "logger=none")
    outcome = command(*swept, "hydra.sweep.dir=sweep", *SETTINGS, *DDP)
    assert outcome.status == 1
    reason = "RankError: rank 1 was killed by SIGKILL"
    assert outcome.error.splitlines()[-1] == f"error: 1 of 2 runs failed; job 0: {reason}"
    assert not (tmp_path / "sweep" / "0" / "results.nc").exists()
    assert np.isfinite(sup.load_run(tmp_path / "sweep" / "1")["loss"])


@pytest.mark.slow
def test_ranks_end_when_the_process_that_started_them_is_killed(project):
    mortal = ("activation._target_=fragile.mortal_parent", "logger=none")
    assert project(*mortal, *DDP).status == -9  # and no process is left


def loses(folder: Path, rank: int) -> None:
    """Kill rank 1; rank zero notices first."""
    begun = folder / "begun"
    if rank == 0:
        while not begun.exists():
            time.sleep(0.1)
        raise RankError("another rank does not answer")
    begun.touch()
    time.sleep(0.5)
    os.kill(os.getpid(), signal.SIGKILL)


@pytest.mark.slow
def test_a_rank_that_says_nothing_leaves_no_empty_cause(tmp_path):
    with pytest.raises(RankError, match=r"^rank 1 was killed by SIGKILL$") as raised:
        on_ranks(2, partial(loses, tmp_path))
    assert raised.value.__cause__ is None


def waits(folder: Path, rank: int) -> None:
    """Say that a rank is at work, and work on; its libraries would wait for others at their end."""
    atexit.register(time.sleep, 600)
    (folder / str(rank)).touch()
    time.sleep(600)


@pytest.mark.slow
def test_ranks_that_are_ended_are_not_taken_for_failed(tmp_path):
    def stop() -> None:
        while len(list(tmp_path.iterdir())) < 2:
            time.sleep(0.1)
        os.kill(os.getpid(), signal.SIGTERM)

    with stoppable():
        threading.Thread(target=stop, daemon=True).start()
        with pytest.raises(Stopped):
            on_ranks(2, partial(waits, tmp_path))
    assert multiprocessing.active_children() == []


def leaves(folder: Path, rank: int) -> int:
    """Note when a rank leaves the group; rank 1 is done long before."""
    torch.distributed.init_process_group("gloo", rank=rank, world_size=2)
    leave = torch.distributed.destroy_process_group

    def noted() -> None:
        leave()
        (folder / str(rank)).touch()

    torch.distributed.destroy_process_group = noted
    if rank == 0:
        time.sleep(1)
        assert not (folder / "1").exists()
    return 7


@pytest.mark.slow  # as above
def test_ranks_leave_their_group_when_all_are_done(tmp_path):
    assert on_ranks(2, partial(leaves, tmp_path)) == 7
    assert {path.name for path in tmp_path.iterdir()} == {"0", "1"}


def cannot_leave(rank: int) -> int:
    torch.distributed.init_process_group("gloo", rank=rank, world_size=2)
    torch.distributed.destroy_process_group = lambda: time.sleep(600)
    return 7


@pytest.mark.slow
def test_a_group_that_cannot_be_left_costs_seconds_only(monkeypatch):
    monkeypatch.setattr(ranks, "PATIENCE", 0.5)
    assert on_ranks(2, cannot_leave) == 7
    assert multiprocessing.active_children() == []


def test_shards_make_up_the_batch():
    words = torch.arange(60).view(2, 3, 10)
    shards = [Shard(rank, 4).of(words) for rank in range(4)]
    assert torch.equal(torch.cat(shards, dim=-1), words)
    assert {shard.shape[-1] for shard in shards} == {2, 3}


def test_one_rank_adds_nothing():
    def gradients(words: torch.Tensor) -> torch.Tensor:
        return words

    assert Shard(0, 1).all_reduced(gradients, []) is gradients


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        ("data=quadrature n_features=2", "has no batch that trainer.devices=2 could share"),
        ("batch_size=1", "batch_size=1: is fewer than trainer.devices=2, which share it"),
        ("trainer.devices=0", "trainer.devices=0: must be a whole number of at least 1"),
        ("+trainer.num_nodes=2", "trainer.num_nodes=2: must be 1"),
    ],
)
def test_what_cannot_be_shared_is_refused(overrides, message, settings):
    with pytest.raises(SettingError, match=message):
        settings(*DDP, *overrides.split())
