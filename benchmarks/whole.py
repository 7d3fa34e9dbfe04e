"""`train.py` with everything on against its bare inner loop, and the time to its first step.

Workload: seven activations x ten sparsities of n=10, m=5, B=1024, as one sweep of seven jobs with
callbacks, figures and W&B offline. The bare loop takes the same steps of the same stack in the same
process, interleaved. Within `Trainer.fit`, (a) and (d) are held against the notebook's and JAX's
steps alone, without anything around them.
"""

import argparse
import json
import logging
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))
ACTIVATIONS = ("linear", "relu", "gelu", "silu", "sigmoid", "tanh", "solu")
SPARSITIES = [0, 0.4, 0.64, 0.78, 0.87, 0.92, 0.95, 0.97, 0.98, 0.99]


def runs(folder: Path, steps: int, activations: tuple[str, ...], sparsities: list) -> list:
    """Describe the runs of a sweep, logged by W&B."""
    from sup.config.run import Run
    from sup.config.settings import Settings

    shared = {"sparsity": sparsities, "steps": steps, "logger": "wandb"}
    return [
        Run(Settings(activation=name, **shared), folder / str(number), name, group="whole")
        for number, name in enumerate(activations)
    ]


def bare(steps: int) -> float:
    """Return the seconds of the steps alone, of the same stack."""
    import numpy as np
    import torch

    from sup.training.native.engine import NativeEngine
    from sup.training.native.steps import NativeSteps
    from sup.training.stack import Stack

    with tempfile.TemporaryDirectory() as folder:
        stack = Stack.of(runs(Path(folder), steps, ACTIVATIONS, SPARSITIES))
    module = stack.module(torch.device("cpu"))
    made = module.configure_optimizers()
    threads = torch.get_num_threads()
    models, importance = module.autoencoder, module.importance
    inputs: Any = module.inputs
    way = NativeSteps(
        NativeEngine(models, inputs, importance, 1024, threads), stack.seeds, 1024, steps
    )
    way.attach(made["optimizer"], torch.zeros(1, stack.size), module.diverged_at)
    start = time.perf_counter()
    for part in way.parts(range(steps)):
        way.take(part, made["lr_scheduler"], np.zeros(len(part), np.int32))
    return time.perf_counter() - start


def everything(steps: int, activations: tuple[str, ...], sparsities: list) -> float:
    """Return the seconds of a whole sweep, from descriptions to figures."""
    from sup.sweep.draw import draw
    from sup.sweep.train import train

    with tempfile.TemporaryDirectory() as folder:
        described = runs(Path(folder), steps, activations, sparsities)
        start = time.perf_counter()
        draw(described, train(described), processes=os.cpu_count() or 1)
        return time.perf_counter() - start


def within(steps: int, activations: tuple[str, ...], sparsities: list) -> float:
    """Return the seconds that `Trainer.fit` takes of a sweep, with all callbacks and W&B."""
    from unittest import mock

    from sup.sweep import train_stack

    taken, fit = [], train_stack.fit

    def timed(*given: Any) -> None:
        start = time.perf_counter()
        fit(*given)
        taken.append(time.perf_counter() - start)

    with mock.patch.object(train_stack, "fit", timed):
        everything(steps, activations, sparsities)
    return sum(taken)


def start_up(repeats: int = 5) -> tuple[float, float]:
    """Return the median seconds to import torch and Lightning, and to the first step's start."""
    script = (
        "import sys, time, runpy; sys.argv = ['train.py', *sys.argv[1:]]\n"
        "def new(*a): print('first step', time.time(), flush=True); import os; os._exit(0)\n"
        "def watch():\n"
        "    from sup.training.module import SuperpositionModule as M\n"
        "    M.training_step = new\n"
        "import sup.cli.jobs\n"
        "old = sup.cli.jobs.describe\n"
        "def describe(*given): watch(); return old(*given)\n"
        "sup.cli.jobs.describe = describe\n"
        "runpy.run_path({!r}, run_name='__main__')"
    ).format(str(ROOT / "train.py"))
    imports, firsts = [], []
    for _ in range(repeats):
        start = time.time()
        command = [sys.executable, "-c", "import torch, lightning.pytorch"]
        subprocess.run(command, check=True, capture_output=True)
        imports.append(time.time() - start)
        with tempfile.TemporaryDirectory() as folder:
            command = [sys.executable, "-c", script]
            start = time.time()
            done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True)
        firsts.append(float(done.stdout.split("first step")[1].split()[0]) - start)
    return statistics.median(imports), statistics.median(firsts)


def main() -> None:
    """Measure, print and write `benchmarks/whole.json`."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    imports, first = start_up()
    print(f"imports {imports:.2f} s, to the first step {first:.2f} s, beyond imports ", end="")
    print(f"{first - imports:.2f} s")
    logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
    from baselines import Notebook, jax_scan
    from workloads import WORKLOADS, best_threads, machine, one_round

    from sup.system.memory import keep_freed_memory

    keep_freed_memory()
    steps = options.steps
    bare(100)  # compiles
    notebook, jax = Notebook(WORKLOADS["a"]), jax_scan(WORKLOADS["d"])
    threads = best_threads(notebook)
    rounds: dict[str, list[float]] = defaultdict(list)
    for _ in range(options.rounds):
        rounds["bare loop, s"].append(alone := bare(steps))
        rounds["all of train.py, s"].append(whole := everything(steps, ACTIVATIONS, SPARSITIES))
        rounds["over the bare loop, s"].append(whole - alone)
        inside = within(steps, ACTIVATIONS, SPARSITIES) / steps * 1e3
        rounds["(a) within train.py, ms"].append(inside)
        rounds["(a) notebook / ours"].append(one_round(notebook, 1.0, threads) / inside)
        single = within(steps, ("relu",), [0.9]) / steps * 1e3
        rounds["(d) within train.py, ms"].append(single)
        if jax:
            rounds["(d) JAX / ours"].append(one_round(jax, 1.0, 1) / single)
    for name, values in rounds.items():
        print(
            f"{name:24} {statistics.median(values):9.4g} ({min(values):.4g} to {max(values):.4g})"
        )
    result = {"machine": machine(), "imports": imports, "first": first, **rounds}
    Path(__file__).with_suffix(".json").write_text(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
