"""What the benchmarks train, and how they are timed."""

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

CPU = torch.device("cpu")
ROUNDS = 9

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
    ways: dict[str, Step], seconds: float = 0.3, rounds: int = ROUNDS
) -> dict[str, list[float]]:
    """Return the milliseconds of each way in each round, interleaved: the median of its steps."""
    times: dict[str, list[float]] = {name: [] for name in ways}
    for step in ways.values():
        step()
    for _ in range(rounds):
        for name, step in ways.items():
            times[name].append(one_round(step, seconds))
    return times


def one_round(step: Step, seconds: float) -> float:
    """Return the median milliseconds of as many steps as some seconds take."""
    taken = []
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        start = time.perf_counter()
        scale = step()
        one = time.perf_counter() - start
        taken.append(one * (scale if isinstance(scale, float) else 1.0))
    return statistics.median(taken) * 1e3
