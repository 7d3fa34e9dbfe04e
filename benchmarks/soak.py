"""Long and large: memory, open files and speed stay flat (`make soak`; needs Linux).

A million steps of one model, and a sweep of two thousand jobs in stacks of a hundred, each as a
user starts it. From outside, each process is looked at whenever it has got on, and a line is fitted
to what is seen after the first tenth. Status 1 where a line grows: by more than three times its
error, and by more than a tenth from its first point to its last. What a sweep holds of each job
until its end, for its table and figures, is no growth as long as it is small.
"""

import argparse
import csv
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import astuple, dataclass
from pathlib import Path

import numpy as np

ROOT = Path(__file__).parent.parent
TINY = ("n_features=3", "n_hidden=2", "batch_size=64", "figures=none", "~callbacks.progress")
STACK = 100
"""Jobs in a stack of the sweep."""

HELD = 0.05
"""Megabytes that a sweep may hold of each job: its settings and results, measured at 0.027."""

GROWTH = 0.1
"""A smaller share is not called growth, however sure it is."""


@dataclass
class Sample:
    """A process at one moment."""

    done: float
    megabytes: float
    open_files: float
    cpu_seconds: float


def look(process: int, done: int) -> Sample:
    """Look at a running process."""
    home = Path("/proc") / str(process)
    pages = int((home / "statm").read_text().split()[1])
    user, system = (home / "stat").read_text().rpartition(")")[2].split()[11:13]
    cpu = (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")
    files = len(os.listdir(home / "fd"))
    return Sample(done, pages * os.sysconf("SC_PAGE_SIZE") / 1e6, files, cpu)


def watch(arguments: list[str], directory: Path, done: Callable[[Path], int]) -> list[Sample]:
    """Run a command in a directory, and look at it whenever it has got on."""
    command = [sys.executable, str(ROOT / "train.py"), *arguments]
    samples: list[Sample] = []
    with subprocess.Popen(command, cwd=directory, stdout=subprocess.DEVNULL) as process:
        while process.poll() is None:
            time.sleep(0.05)
            if (now := done(directory)) > (samples[-1].done if samples else 0):
                try:
                    samples.append(look(process.pid, now))
                except (FileNotFoundError, ProcessLookupError):  # it has just ended
                    break
    if process.returncode:
        raise SystemExit(f"status {process.returncode}: {' '.join(command)}")
    return samples


def steps_done(directory: Path) -> int:
    """Return the last step that has been logged."""
    file = directory / "here" / "csv" / "metrics.csv"
    if not file.is_file():
        return 0
    with file.open(newline="") as lines:
        steps = [row["step"] for row in csv.DictReader(lines) if row["step"]]
    return int(steps[-1]) if steps else 0


def jobs_done(directory: Path) -> int:
    """Return how many jobs have results, in whole stacks: within one, they are written at once."""
    return len(list(directory.glob("here/*/results.nc"))) // STACK * STACK


def line(x: np.ndarray, y: np.ndarray) -> tuple[float, float]:
    """Return the slope of a line through points, and its standard error."""
    (slope, _), covariance = np.polyfit(x, y, 1, cov=True)
    return float(slope), float(covariance[0, 0] ** 0.5)


def grows(
    name: str, unit: str, per: int, x: np.ndarray, y: np.ndarray, allowed: float = 0.0
) -> bool:
    """Print the slope of what was seen, and tell whether it says growth beyond what is allowed."""
    slope, error = line(x, y)
    excess = slope - allowed
    growing = excess > 3 * error and excess * (x[-1] - x[0]) > GROWTH * y[0]
    print(
        f"  {name:10} {y[0]:10.4g} to {y[-1]:10.4g} {unit:12} slope {slope * per:+.2g} "
        f"± {error * per:.1g} per {per:,}{'   GROWS' if growing else ''}"
    )
    return growing


def judge(samples: list[Sample], unit: str, per: int) -> bool:
    """Print what was seen of one command, and tell whether something grows."""
    done, megabytes, files, cpu = np.array([astuple(one) for one in samples]).T
    late = done > done[-1] / 10
    done, megabytes, files, cpu = (column[late] for column in (done, megabytes, files, cpu))
    print(f"{done[-1]:,.0f} {unit}s, {len(done)} looks")
    speed = np.diff(cpu) / np.diff(done) * 1e3
    seen = [
        grows("memory", "MB", per, done, megabytes, HELD if unit == "job" else 0.0),
        grows("open files", "", per, done, files),
        grows("CPU time", f"ms a {unit}", per, done[1:], speed),
    ]
    return any(seen)


def main() -> None:
    """Train long and large, and judge what was seen."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="500,000 steps and 1,000 jobs")
    parser.add_argument("--steps", type=int, help="steps of the one model")
    parser.add_argument("--jobs", type=int, help="jobs of the sweep")
    options = parser.parse_args()
    steps = options.steps or (500_000 if options.quick else 1_000_000)
    jobs = options.jobs or (1_000 if options.quick else 2_000)
    bad = False
    with tempfile.TemporaryDirectory() as folder:
        long = [*TINY, f"steps={steps}", "logger=csv", "hydra.run.dir=here"]
        bad |= judge(watch(long, Path(folder), steps_done), "step", 1_000_000)
    with tempfile.TemporaryDirectory() as folder:
        sweep = ["-m", f"seed=range({jobs})", *TINY, "steps=50", "logger=none"]
        large = [*sweep, f"stack.max_instances={STACK}", "hydra.sweep.dir=here"]
        bad |= judge(watch(large, Path(folder), jobs_done), "job", 1_000)
    raise SystemExit(bad)


if __name__ == "__main__":
    main()
