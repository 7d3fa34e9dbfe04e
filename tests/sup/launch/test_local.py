"""Stacks side by side in several processes: the same results, and no process left over."""

import csv
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch

import sup
from sup.config.rules import SettingError
from sup.launch import gpus as gpus_here
from sup.launch import local
from sup.launch.placement import SHARE, Lost
from sup.training.stack import Stack

ROOT = Path(__file__).parents[3]
SWEEP = ("-m", "activation=relu,gelu", "sparsity=[0,0.9]", "logger=none", "hydra.sweep.dir=sweep")
TWO = ("stack.devices=2", "trainer=cpu")


@contextmanager
def started(folder: Path, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    """Start a command that is not left at work, whatever the test finds."""
    with subprocess.Popen(
        [sys.executable, str(ROOT / "train.py"), *arguments],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"OMP_NUM_THREADS": "2"},
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def children(process: subprocess.Popen) -> list[int]:
    tasks = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    return [int(one) for one in tasks if b"spawn_main" in Path(f"/proc/{one}/cmdline").read_bytes()]


def until(condition) -> None:
    end = time.monotonic() + 600
    while not condition():
        assert time.monotonic() < end, "never happened"
        time.sleep(0.1)


def gone(pids: list[int]) -> bool:
    return not any(Path(f"/proc/{pid}").exists() for pid in pids)


@pytest.mark.usefixtures("no_figures")
def test_two_processes_train_the_same(command, tmp_path):
    assert command(*SWEEP, "steps=60").status == 0
    whole = sup.load_sweep(tmp_path / "sweep")
    two = command(*SWEEP, *TWO, "steps=60", "hydra.sweep.dir=two")
    assert two.status == 0, two.error
    (logged,) = (tmp_path / "two" / "0" / "checkpoints").glob("stack-*.log")
    shown = logged.relative_to(tmp_path)
    assert f"stack 1 of 2 (1 run, 2 instances) on device 0: {shown}" in two.out
    assert "on device 1" in two.out
    shared = sup.load_sweep(tmp_path / "two")
    assert np.abs(shared["W"].values - whole["W"].values).max() < 1e-5
    assert "engine" in logged.read_text()


@pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="looks for processes in /proc")
@pytest.mark.slow
def test_a_process_that_dies_a_command_that_is_killed_or_stopped(tmp_path):
    long = ("steps=1000000", "callbacks.checkpoint.minutes=0")

    def written() -> set[tuple[Path, int]]:
        found = tmp_path.glob("sweep/[01]/checkpoints/stack-*.ckpt")
        return {(path, path.stat().st_mtime_ns) for path in found}

    with started(tmp_path, *SWEEP, *TWO, *long) as first:
        until(lambda: len(written()) == 2)
        workers = children(first)
        assert len(workers) == 2
    until(lambda: gone(workers))

    before = written()
    with started(tmp_path, *SWEEP, *TWO, *long) as second:
        until(lambda: len(children(second)) == 2)
        logs = list(tmp_path.glob("sweep/[01]/checkpoints/stack-*.log"))
        assert len(logs) == 2
        until(lambda: all(log.read_text().count("going on from") == 1 for log in logs))
        until(lambda: not before & written())  # both train
        doomed, other = children(second)
        os.kill(doomed, signal.SIGKILL)
        until(lambda: gone([doomed]))
        second.send_signal(signal.SIGTERM)
        _, error = second.communicate(timeout=600)
    assert second.returncode == 143, error
    assert gone([other])
    assert sum("stopped at step" in log.read_text() for log in logs) == 1
    assert not (tmp_path / "sweep" / "sweep.csv").exists()


def test_processes_that_die_before_they_begin(make_run, monkeypatch):
    monkeypatch.setattr(local, "_serve", os.abort)  # not even called: it takes no arguments
    stacks = [Stack.of([make_run(f"seed={seed}", f"name={'x' * 300_000}")]) for seed in (0, 1)]
    lost = Lost("the process that trained it ended with status 1")
    assert local.SideBySide(2)(stacks, print) == [lost, lost]


@pytest.mark.parametrize(
    ("processes", "gpus", "share"), [(1, [24], 24), (2, [24, 16], 16), (3, [24, 16], 8)]
)
def test_memory_of_the_smallest_gpu_is_shared_by_those_on_it(processes, gpus, share, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: len(gpus))
    held = [SimpleNamespace(total_memory=one) for one in gpus]
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda number: held[number])
    place = local.SideBySide(processes, [str(number) for number in range(len(gpus))])
    assert place.memory(sup.Settings()) == pytest.approx(SHARE * share)


@pytest.mark.parametrize(
    ("named", "gpus", "names"),
    [
        (None, 2, ["0", "1"]),
        ("1, 0", 2, ["1", "0"]),
        ("GPU-8932f937", 1, ["GPU-8932f937"]),
        ("0,-1,1", 1, ["0"]),
        ("", 0, []),
        ("NoDevFiles", 0, []),
    ],
)
def test_gpus_go_by_the_names_that_they_are_given(named, gpus, names, monkeypatch):
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES")
    if named is not None:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", named)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: gpus)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: gpus > 0)
    gpus_here.check_present(sup.Settings())
    assert gpus_here.visible_devices() == names


@pytest.mark.parametrize(("named", "count", "gpus"), [("7", 1, 0), ("0,7", 2, 1), ("gpu0", 1, 0)])
def test_a_gpu_that_is_named_and_not_there_is_missed(named, count, gpus, monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", named)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: gpus)
    message = f"^CUDA_VISIBLE_DEVICES={named}: names {count}, of which {gpus} can be used here; "
    with pytest.raises(SettingError, match=message):
        sup.train(steps=2)
    sup.train(steps=2, trainer_accelerator="cpu")


def lose_the_gpu(stack: Stack) -> int:
    """Stand for training: in the first stack, CUDA fails for good."""
    if stack.settings.seed == 0:
        torch.cuda.is_initialized = lambda: True
        torch.cuda.synchronize = partial(fail, "CUDA error: an illegal memory access")
    return os.getpid()


def fail(reason: str) -> None:
    raise RuntimeError(reason)


def test_a_process_that_has_lost_its_gpu_is_replaced(make_run):
    stacks = [Stack.of([make_run(f"seed={seed}")]) for seed in range(3)]
    first, second, third = local.SideBySide(1)(stacks, lose_the_gpu)
    assert first != second == third


@pytest.mark.slow  # two processes that import torch; faster: one that dies before it begins
def test_a_dead_process_fails_its_runs_alone(command, monkeypatch, tmp_path):
    (tmp_path / "deadly.py").write_text(
        "import os, signal, torch\n"
        "def deadly(z):\n"
        "    if z.shape[-1] >= 1024: os.kill(os.getpid(), signal.SIGKILL)\n"
        "    return torch.relu(z)\n"
    )
    swept = "activation._target_=sup.model.activations.ReLU,deadly.deadly"
    monkeypatch.syspath_prepend(str(tmp_path))
    outcome = command("-m", swept, *SWEEP[3:], *TWO, "steps=40", "figures=none")
    assert outcome.status == 1
    reason = "the process that trained it was killed by SIGKILL"
    assert f"1 of 2 runs failed; job 1: {reason}" in outcome.error
    with (tmp_path / "sweep" / "sweep.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row["status"] for row in rows] == ["finished", "failed"]
    assert (tmp_path / "sweep" / "0" / "results.nc").exists()
