"""First contact with a GPU: `python -m tests.first_contact`, a line for each check, in minutes.

What several GPUs share needs two. Times are told, not judged, beside what was estimated for an H100
before any GPU had run this. On a CPU, `tests/test_first_contact.py` makes the same checks.
"""

import os
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import torch
import xarray as xr

import sup
from sup.config.options import OPTIONS
from sup.config.run import Run
from sup.sweep.memory import CONTEXT, needed
from sup.training.cuda_graph import Recorded
from sup.training.devices import cuda_is_lost
from sup.training.module import SuperpositionModule
from sup.training.stack import Stack

ROOT = Path(__file__).parents[1]
RECORDED = "eager"
"""The engine of torch, whose steps are recorded."""

ACTIVATIONS = sorted(OPTIONS["activation"])
GRID: dict[str, Any] = {"activation": ACTIVATIONS, "sparsity": [0, 0.9], "seed": [0, 1]}
SGD = {"optimizer": sup.Part("torch.optim.SGD", {"lr": 0.1}), "steps": 100}
DOUBLE = {"trainer_precision": "64-true", "trainer_accelerator": "cpu", "engine": "autograd"}
LARGE = {"n_features": 200, "n_hidden": 20}
PLANE = {"sparsity": np.linspace(0, 0.99, 51), "importance_ratio": np.geomspace(0.1, 10, 51)}
PLANE |= {"importance": "relative", "n_features": 2, "n_hidden": 1}

WORKLOADS: tuple[tuple[float, dict[str, Any]], ...] = (
    (0.010, {"activation": ACTIVATIONS, "seed": range(10)}),
    (0.08, {"activation": ACTIVATIONS, **PLANE}),
    (0.2, {"activation": ACTIVATIONS, "seed": range(20), **LARGE}),
    (0.006, {"activation": "relu"}),
)
"""What is timed, and the milliseconds of a step that were estimated for a kernel that takes all of
it: of 70, 18,207 and 140 models, and of one."""

SKIPPED = "skipped: one GPU"
SYNCHRONIZING = "called a synchronizing CUDA operation"
LOOKS = 4
"""How often a chunk of any length may wait for the device: it looks for what is not finite."""

MORTAL = """
import os, torch

def mortal(z):  # it is tried on a few samples first, by a process that is no rank
    if os.environ.get("LOCAL_RANK") == "1" and z.shape[-1] >= 512 and not os.path.exists("died"):
        open("died", "w").close()
        os.kill(os.getpid(), 9)
    return torch.relu(z)
"""


@dataclass(frozen=True)
class Place:
    """Where checks are made: on what kind of device, on how many of them, and in which folder."""

    accelerator: str
    devices: int
    folder: Path

    @property
    def engines(self) -> tuple[str, str]:
        """Kernels that take whole steps, and torch's engine."""
        return ("triton" if self.accelerator == "cuda" else "native", RECORDED)

    def train(self, **settings: Any) -> xr.Dataset:
        return sup.train(**{"trainer_accelerator": self.accelerator, **settings})

    def command(self, *arguments: str) -> tuple[int, str]:
        """Run the command, and return its exit status and the last line of its errors."""
        chosen = (f"trainer.accelerator={self.accelerator}", "steps=200", "logger=none")
        line = [sys.executable, str(ROOT / "train.py"), *arguments, *chosen, "figures=none"]
        own = os.environ | {"PYTHONPATH": os.pathsep.join([str(ROOT), str(self.folder)])}
        asked: Any = {"cwd": self.folder, "env": own, "capture_output": True, "text": True}
        done = subprocess.run(line, check=False, **asked)
        return done.returncode, (done.stderr.strip().splitlines() or [""])[-1]

    def runs(self, name: str, *arguments: str) -> list[xr.Dataset]:
        """Return the results of a sweep of two jobs, a stack each."""
        swept = ("-m", "n_hidden=2,5", "sparsity=[0,0.9]", f"hydra.sweep.dir={name}")
        ended = self.command(*swept, *arguments)
        assert ended[0] == 0, ended
        return [sup.load_run(self.folder / name / job) for job in "01"]


def close(most: float, *pairs: tuple[xr.Dataset, xr.Dataset]) -> str:
    """Return how far pairs of results are apart, which must not be more than is allowed."""
    found = [abs(a[name].values - b[name].values) for a, b in pairs for name in ("W", "loss")]
    apart = np.max([one.max() for one in found])  # not a number, where one is none
    assert apart <= most, f"{apart:.2g} apart, more than {most:.2g}"
    return f"ok: {apart:.1g} apart"


def recorded_steps_are_plain_steps(place: Place) -> str:
    grid: dict[str, Any] = GRID | {"engine": RECORDED, "steps": 300}
    with patch.object(Recorded, "__call__", lambda own, *given: own.function(*given)):
        plain = place.train(**grid)
    return close(1e-5, (place.train(**grid), plain))


def gradients_are_those_of_float64(place: Place) -> str:
    grid: dict[str, Any] = GRID | SGD
    exact = place.train(**grid | DOUBLE)
    return close(1e-4, *((place.train(**grid, engine=name), exact) for name in place.engines))


def losses_are_those_of_a_cpu(place: Place) -> str:
    grids = [GRID | shape | {"steps": 200} for shape in ({}, LARGE)]
    here = [place.train(**one, trainer_accelerator="cpu", engine="native") for one in grids]
    there = [place.train(**one, engine=place.engines[0]) for one in grids]
    return close(1e-3, *zip(there, here, strict=True))


def nothing_waits_for_the_device_in_a_chunk(place: Place) -> str:
    step, most = SuperpositionModule.training_step, 0

    def counted(module: SuperpositionModule, chunk: Any, index: int) -> None:
        nonlocal most
        with warnings.catch_warnings(record=True) as said:
            warnings.simplefilter("always")
            torch.cuda.set_sync_debug_mode("warn")
            try:
                step(module, chunk, index)
            finally:
                torch.cuda.set_sync_debug_mode("default")
        if chunk.steps.start >= 100 and len(chunk.steps) > 10:  # warm-up is over
            most = max(most, sum(SYNCHRONIZING in str(one.message) for one in said))

    with patch.object(SuperpositionModule, "training_step", counted):
        for name in place.engines:
            place.train(**GRID, engine=name, steps=2000)
    assert most <= LOOKS, f"{most} looks in a chunk, more than {LOOKS}"
    return f"ok: {most} looks in a chunk"


def looks(z: torch.Tensor) -> torch.Tensor:
    """Stand for a user's activation that no recording can hold: it looks, but not before that."""
    is_looking = z.is_cuda and torch.cuda.is_current_stream_capturing()
    return torch.relu(z) if not is_looking or z.sum().item() > -torch.inf else z


def a_capture_that_fails_leaves_all_as_it_was(place: Place) -> str:
    grid = GRID | {"engine": RECORDED, "steps": 200}
    before = place.train(**grid)
    looking = place.train(**grid | {"activation": looks})
    close(1e-5, (looking, before.sel(activation="relu")))
    return close(1e-6, (place.train(**grid), before))


def memory_is_within_its_estimate_and_given_back(place: Place) -> str:
    found, held = [], []
    for shape in ({}, LARGE, {}):
        grid: dict[str, Any] = GRID | shape | {"seed": range(20), "steps": 20}
        grid["engine"] = RECORDED  # whose memory is estimated; kernels take less
        grid["trainer_accelerator"] = place.accelerator
        runs = [Run(sup.Settings(**grid | {"activation": one})) for one in ACTIVATIONS]
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()
        before = torch.cuda.memory_reserved()
        sup.train(**grid)
        # Torch counts nothing of CUDA's own.
        estimated = needed(Stack.of(runs)) - CONTEXT * (place.accelerator == "cuda")
        taken = torch.cuda.max_memory_reserved() - before
        found.append(f"{taken / 2**20:.0f} MiB of {estimated / 2**20:.0f}")
        held.append(torch.cuda.memory_allocated())
        assert taken <= estimated, found[-1]
    assert held[-1] <= held[0], f"{held} bytes held after each stack"
    return f"ok: {', '.join(found)}"


def stacks_side_by_side_are_those_of_one_process(place: Place) -> str:
    one, two = (place.runs(f"by-{count}", f"stack.devices={count}") for count in (1, 2))
    return close(1e-5, *zip(one, two, strict=True))


def devices_share_a_batch(place: Place) -> str:
    if place.devices < 2:
        return SKIPPED
    alone, shared = place.runs("alone", "stack.devices=1"), place.runs("shared", "trainer=ddp")
    ended = place.command("n_hidden=2", "sparsity=[0,0.9]", "trainer=ddp", "hydra.run.dir=run")
    assert ended[0] == 0, ended
    single = sup.load_run(place.folder / "run")
    return close(1e-5, *zip(alone, shared, strict=True), (single, shared[0]))


def a_killed_rank_costs_its_stack_only(place: Place) -> str:
    if place.devices < 2:
        return SKIPPED
    (place.folder / "mortal.py").write_text(MORTAL)
    swept = ("-m", "activation._target_=mortal.mortal", "n_hidden=2,5", "hydra.sweep.dir=killed")
    ended = place.command(*swept, "trainer=ddp")
    reason = "error: 1 of 2 runs failed; job 0: RankError: rank 1 was killed by SIGKILL"
    assert ended == (1, reason), ended
    assert np.isfinite(sup.load_run(place.folder / "killed" / "1")["loss"]).all()
    return "ok: the other is trained"


def times_are_told(place: Place) -> str:
    found = []
    for estimated, workload in WORKLOADS:
        place.train(**workload, steps=1000)  # compiles
        few, many = (place.train(**workload, steps=steps) for steps in (1000, 3000))
        taken = (many.attrs["wall_time"] - few.attrs["wall_time"]) / 2
        found.append(f"K={many['loss'].size}: {taken:.2g} ms a step ({estimated} estimated)")
    return f"ok: {', '.join(found)}"


CHECKS: tuple[Callable[[Place], str], ...] = (
    recorded_steps_are_plain_steps,
    gradients_are_those_of_float64,
    losses_are_those_of_a_cpu,
    nothing_waits_for_the_device_in_a_chunk,
    a_capture_that_fails_leaves_all_as_it_was,
    memory_is_within_its_estimate_and_given_back,
    stacks_side_by_side_are_those_of_one_process,
    devices_share_a_batch,
    a_killed_rank_costs_its_stack_only,
    times_are_told,
)


def contact(place: Place, checks: tuple[Callable[[Place], str], ...]) -> int:
    """Make checks, say what each has found, and return the exit status."""
    failed = []
    for check in checks:
        name, started = check.__name__.replace("_", " "), time.perf_counter()
        try:
            found = check(place)
        except Exception as error:  # whatever a device, a driver or a library raises
            found = f"FAILED: {type(error).__name__}: {' '.join(str(error).split())[:300]}"
            failed.append(name)
        print(f"{name} ({time.perf_counter() - started:.0f} s): {found}", flush=True)
        if cuda_is_lost():
            failed.append("CUDA is lost to this process; what follows was not checked")
            break
    print(f"FAILED: {'; '.join(failed)}" if failed else "PASS")
    return 1 if failed else 0


def main() -> int:
    """Make all checks on the GPUs of this machine."""
    if not torch.cuda.is_available():
        print("first contact: no CUDA device here; there is nothing to check")
        return 1
    with tempfile.TemporaryDirectory() as folder:
        return contact(Place("cuda", torch.cuda.device_count(), Path(folder)), CHECKS)


if __name__ == "__main__":
    sys.exit(main())
