"""What the benchmarks train, how they are timed, and on what machine."""

import os
import platform
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import torch
from torch import Tensor

CPU = torch.device("cpu")

Step = Callable[[], object]
"""Takes one step of all models; may return by what factor its time is to be multiplied."""


@dataclass(frozen=True)
class Workload:
    """K = densities x members ReLU models; instances of one density share their input."""

    densities: int
    members: int
    n: int
    m: int
    batch: int = 1024

    @property
    def K(self) -> int:
        return self.densities * self.members

    @property
    def density(self) -> Tensor:
        """Return the density of each distinct input, ``[density]``."""
        return torch.logspace(0, -2, self.densities)

    @property
    def importance(self) -> Tensor:
        """Return ``[instance, feature]``: geometric, or for two features the phase diagram's."""
        if self.n == 2:
            ratio = torch.logspace(-1, 1, self.members).repeat(self.densities)
            return torch.stack([torch.ones(self.K), ratio], 1)
        return (0.9 ** torch.arange(self.n)).expand(self.K, -1)


WORKLOADS = {
    "a": Workload(densities=10, members=7, n=10, m=5),
    "b": Workload(densities=51, members=51, n=2, m=1),
    "c": Workload(densities=20, members=1, n=200, m=20),
    "d": Workload(densities=1, members=1, n=10, m=5),
}


def measure(
    ways: dict[str, Step], threads: dict[str, int], rounds: int, seconds: float = 0.3
) -> dict[str, list[float]]:
    """Return the milliseconds of each way in each round, interleaved: the median of its steps.

    Args:
        ways: which have taken a step before.
        threads: torch's, of each.
        rounds: how often each has its turn.
        seconds: how long a turn is.
    """
    times: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(rounds):
        for name, step in ways.items():
            times[name].append(one_round(step, seconds, threads[name]))
    return times


def one_round(step: Step, seconds: float, threads: int) -> float:
    """Return the median milliseconds of as many steps as some seconds take, and at least one."""
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    taken = []
    end = time.perf_counter() + seconds
    while not taken or time.perf_counter() < end:
        start = time.perf_counter()
        scale = step()
        one = time.perf_counter() - start
        taken.append(one * (scale if isinstance(scale, float) else 1.0))
    torch.set_num_threads(before)
    return statistics.median(taken) * 1e3


def best_threads(step: Step, seconds: float = 0.1) -> int:
    """Return on how many of torch's threads a way is faster, in the slowest of three turns.

    That is one, or all: they wait for each other by spinning, which a small step does not repay,
    and where they do not get as many cores, it now and then takes a hundred times as long.
    """
    counts = {1, torch.get_num_threads()}
    for count in counts:
        one_round(step, 0.0, count)  # compiles anew for another number
    turns = [{count: one_round(step, seconds, count) for count in counts} for _ in range(3)]
    return min(counts, key=lambda count: max(turn[count] for turn in turns))


def machine() -> dict[str, str]:
    """Return what figures depend on beside the code: processor, other work, versions."""
    names, about = [], Path("/proc/cpuinfo")
    if about.exists():
        names = [line for line in about.read_text().splitlines() if line.startswith("model name")]
    found = {
        "processor": names[0].partition(":")[2].strip() if names else platform.processor(),
        "cores": str(os.cpu_count()),
        "load": f"{os.getloadavg()[0]:.1f}",
        "date": time.strftime("%Y-%m-%d %H:%M"),
        "python": platform.python_version(),
    }
    for package in ("torch", "jax", "tms-kit"):
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "none"
    return found
