"""What a sweep costs before it is trained: time for each job, phase by phase, and memory.

The whole of `train.py -m` runs in this process, as a user would start it, but for the training.
Times are the processor's, which other work on the machine changes least; as machines differ, that
of Hydra's own composition of one job is measured beside them, before and after.
"""

import argparse
import json
import os
import resource
import runpy
import statistics
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import wraps
from pathlib import Path
from typing import Any
from unittest import mock

import torch
import xarray as xr
from growth import resident
from hydra import compose, initialize_config_dir

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))
SPARSITIES = ",".join(f"0.{digit}" for digit in range(10))


class Clock:
    """Seconds spent in each phase, less those spent in the phases within it."""

    def __init__(self) -> None:
        self.seconds: defaultdict[str, float] = defaultdict(float)
        self._within = [0.0]

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        """Count the time in this context."""
        start = time.process_time()
        self._within.append(0.0)
        try:
            yield
        finally:
            taken = time.process_time() - start
            self.seconds[name] += taken - self._within.pop()
            self._within[-1] += taken

    def watched(self, owner: Any, name: str, phase: str) -> Any:
        """Return a patch under which the time in a function is counted."""
        function: Callable = getattr(owner, name)

        @wraps(function)
        def timed(*args: Any, **kwargs: Any) -> Any:
            with self.phase(phase):
                return function(*args, **kwargs)

        return mock.patch.object(owner, name, timed)


def watched(clock: Clock) -> list[Any]:
    """Return the patches that time each phase, and put the building of stacks for training."""
    from sup.cli import composing, launcher, sweeper
    from sup.launch.local import Here
    from sup.sweep import check, plan

    def train(runs: list, placement: None) -> list[xr.Dataset]:
        with clock.phase("stacks"):
            for stack in plan.plan(runs, set(), Here()):
                stack.module(torch.device("cpu"))
        return [xr.Dataset({"loss": 0.0})] * len(runs)

    return [
        clock.watched(composing.SweepLoader, "load_sweep_config", "composition"),
        clock.watched(composing.SweepLoader, "job", "copies"),
        clock.watched(check, "check", "checks with torch"),
        clock.watched(sweeper, "check_jobs", "settings"),
        clock.watched(launcher, "run_job", "Hydra's run_job"),
        clock.watched(sweeper.CheckedSweeping, "sweep", "the rest"),
        mock.patch.object(launcher, "train", train),
    ]


def sweep(jobs: int, *overrides: str) -> tuple[dict[str, float], int]:
    """Return the seconds of each phase of a sweep, and the bytes that it adds to the peak."""
    clock = Clock()
    seeds = f"seed=range({jobs // 20})"
    arguments = ("-m", "activation=relu,gelu", f"sparsity={SPARSITIES}", seeds, "logger=none")
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        for patch in watched(clock):
            stack.enter_context(patch)
        stack.callback(os.chdir, Path.cwd())
        os.chdir(folder)
        argv = [str(ROOT / "train.py"), *arguments, *overrides]
        stack.enter_context(mock.patch.object(sys, "argv", argv))
        before = resident()
        runpy.run_path(argv[0], run_name="__main__")
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    return clock.seconds, peak - before


def hydras_own(repeats: int = 20) -> float:
    """Return the median seconds in which Hydra composes one job."""
    from sup.cli import store

    store.register()
    taken = []
    with initialize_config_dir(str(ROOT / "conf"), version_base="1.3"):
        for seed in range(repeats):
            start = time.process_time()
            compose("config", ["activation=gelu", "sparsity=0.5", f"seed={seed}"])
            taken.append(time.process_time() - start)
    return statistics.median(taken)


def main() -> None:
    """Measure, print a table and write `benchmarks/launch.json`."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--jobs", type=int, default=1_000, help="a multiple of 20")
    parser.add_argument("overrides", nargs="*", help="further overrides of the sweep")
    options = parser.parse_args()
    before = hydras_own()
    seconds, memory = sweep(options.jobs, *options.overrides)
    hydra = statistics.mean([before, hydras_own()]) * 1e3
    each = {phase: taken / options.jobs * 1e3 for phase, taken in seconds.items()}
    print(f"{options.jobs} jobs{'ms per job':>20}")
    for phase, taken in each.items():
        print(f"{phase:16} {taken:10.2f}")
    print(f"{'all':16} {sum(each.values()):10.2f}")
    print(f"{'Hydra composes':16} {hydra:10.2f}")
    print(f"memory {memory / 1e6:.0f} MB, {memory / 1e3 / options.jobs:.0f} KB per job")
    result = {"jobs": options.jobs, "ms per job": each, "hydra": hydra, "memory": memory}
    Path(__file__).with_suffix(".json").write_text(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
