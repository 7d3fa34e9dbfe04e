"""Killed with SIGKILL at any moment and started again, a sweep ends as if nothing had been.

The long form, 24 jobs and twenty kills, is marked `slow` and has its own target in the Makefile.
"""

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import sup

ROOT = Path(__file__).parent.parent
SHORT = ("activation=relu,solu", "steps=600", "batch_size=256")
LONG = ("activation=relu,gelu,solu", "sparsity=0,0.5,0.9,0.99", "n_hidden=2,5", "steps=5000")


def arguments(folder: Path, swept: tuple[str, ...]) -> list[str]:
    always = ("callbacks.checkpoint.minutes=0", "logger=none", "trainer=cpu")
    place = f"hydra.sweep.dir={folder}"
    return ["-m", *swept, *always, place]


def process_of(folder: Path, swept: tuple[str, ...]) -> list[str]:
    return [sys.executable, str(ROOT / "train.py"), *arguments(folder, swept)]


def run(folder: Path, swept: tuple[str, ...]) -> None:
    """Run a sweep to its end."""
    subprocess.run(process_of(folder, swept), check=True, capture_output=True)


def start(folder: Path, swept: tuple[str, ...]) -> subprocess.Popen:
    """Start a sweep in a group of processes of its own, where none is at work any more."""
    (folder / ".lock").unlink(missing_ok=True)
    return subprocess.Popen(
        process_of(folder, swept),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


def wait_for(process: subprocess.Popen, happened: Callable[[], bool]) -> float:
    """Wait until something has happened, and return when; also where the process ends before."""
    while process.poll() is None and not happened():
        time.sleep(0.02)
    return time.monotonic()


def at_work(process: subprocess.Popen, folder: Path) -> float:
    """Wait until a sweep has checked its settings and begins to write; return when."""
    return wait_for(process, (folder / ".lock").is_file)


def phases(folder: Path, swept: tuple[str, ...]) -> tuple[float, float]:
    """Run a sweep and return the seconds to its first checkpoint, and from there to its end."""
    with start(folder, swept) as process:
        began = at_work(process, folder)
        trains = wait_for(process, lambda: any(folder.glob("checkpoints/*.ckpt")))
        assert process.wait() == 0
    return trains - began, time.monotonic() - trains


def kill_after(seconds: float, folder: Path, swept: tuple[str, ...]) -> bool:
    """Start a sweep and kill it some time after it has begun to write; tell if it was at work."""
    with start(folder, swept) as process:
        at_work(process, folder)
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            return True
    return False


def compare(tmp_path: Path, swept: tuple[str, ...], kills: int) -> None:
    """Compare a sweep that is killed with one that is not, bit for bit."""
    ready, work = phases(tmp_path / "undisturbed", swept)
    chance = random.Random(0)
    done = 0
    for _ in range(kills):
        moment = chance.uniform(0, ready + 3 * work / kills)  # the last ones near the end
        done += kill_after(moment, tmp_path / "killed", swept)
        for file in tmp_path.glob("killed/*/results.nc"):
            sup.load_run(file)  # whole, or not there
    run(tmp_path / "killed", swept)
    print(f"{done} of {kills} killed at work; undisturbed {ready:.0f} + {work:.0f} s")
    same(tmp_path)
    assert done > kills // 2


def same(tmp_path: Path) -> None:
    """See that both sweeps have all there is to have, and the same."""
    one, other = (sup.load_sweep(tmp_path / name) for name in ("undisturbed", "killed"))
    assert one["loss"].sizes == other["loss"].sizes
    for name in ("W", "b", "loss", "training_loss", "training_W"):
        assert np.array_equal(one[name].values, other[name].values, equal_nan=True), name
    jobs = len(list(tmp_path.glob("undisturbed/*/results.nc")))
    assert len(list((tmp_path / "killed").glob("*/figures/*.png"))) == 3 * jobs
    assert len((tmp_path / "killed" / "sweep.csv").read_text().splitlines()) == 1 + jobs


IN_TRAINING = "killed/*/checkpoints/*.ckpt"


@pytest.mark.parametrize(
    "patterns",
    [
        ("killed/*/results.nc",),
        # A process more, which imports torch.
        pytest.param((IN_TRAINING, "killed/*/results.nc"), marks=pytest.mark.slow),
    ],
)
def test_killed_in_training_and_while_results_are_written(patterns, command, tmp_path):
    assert command(*arguments(tmp_path / "undisturbed", SHORT)).status == 0
    for pattern in patterns:
        with start(tmp_path / "killed", SHORT) as process:
            while not [*tmp_path.glob(pattern), *tmp_path.glob(pattern.replace("*/", "", 1))]:
                assert process.poll() is None
                time.sleep(0.02)
            os.killpg(process.pid, signal.SIGKILL)
        assert not (tmp_path / "killed" / "sweep.csv").exists()
    (tmp_path / "killed" / ".lock").unlink()
    assert command(*arguments(tmp_path / "killed", SHORT)).status == 0
    same(tmp_path)


@pytest.mark.slow
def test_killed_twenty_times(tmp_path):
    compare(tmp_path, LONG, kills=20)
