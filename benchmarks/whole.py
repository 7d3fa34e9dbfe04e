"""`train.py` with everything on against its bare inner loop, and the time to its first step.

Workload: seven activations x ten sparsities of n=10, m=5, B=1024, as one sweep of seven jobs with
callbacks, figures and W&B offline. The bare loop takes the same steps of the same stack in the same
process, interleaved; it compiles as well, from torch's cache, as everything was compiled before.
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
from pathlib import Path

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))
ACTIVATIONS = ("linear", "relu", "gelu", "silu", "sigmoid", "tanh", "solu")
SPARSITIES = [0, 0.4, 0.64, 0.78, 0.87, 0.92, 0.95, 0.97, 0.98, 0.99]


def runs(folder: Path, steps: int) -> list:
    """Describe the seven runs."""
    from sup.config.run import Run
    from sup.config.settings import Settings

    shared = {"sparsity": SPARSITIES, "steps": steps, "engine": "compiled", "logger": "wandb"}
    return [
        Run(Settings(activation=name, **shared), folder / str(number), name, group="whole")
        for number, name in enumerate(ACTIVATIONS)
    ]


def bare(steps: int) -> tuple[float, float]:
    """Return the seconds that compiling takes, and those of the steps alone."""
    import torch

    from sup.model.inputs import Draws, Purpose
    from sup.training.engines import make_engine
    from sup.training.stack import Stack

    with tempfile.TemporaryDirectory() as folder:
        stack = Stack.of(runs(Path(folder), steps))
    device = torch.device("cpu")
    module = stack.module(device)
    made = module.configure_optimizers()
    draws = Draws(stack.seeds, (10, 1024), device)
    example = draws.words(Purpose.TRAINING, 0)
    start = time.perf_counter()
    models, inputs, importance = module.autoencoder, module.inputs, module.importance
    engine = make_engine("compiled", models, inputs, importance, example, batch=1024, steps=steps)
    compiled = time.perf_counter() - start
    sums = torch.zeros(stack.size)
    start = time.perf_counter()
    for words in draws.each(Purpose.TRAINING, range(steps)):
        sums += engine(words)
        made["optimizer"].step()
        made["lr_scheduler"].step()
    return compiled, time.perf_counter() - start


def everything(steps: int) -> float:
    """Return the seconds of the whole sweep, from descriptions to the end table."""
    from sup.sweep.draw import draw
    from sup.sweep.train import train

    with tempfile.TemporaryDirectory() as folder:
        described = runs(Path(folder), steps)
        start = time.perf_counter()
        draw(described, train(described), processes=os.cpu_count() or 1)
        return time.perf_counter() - start


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
            command = [sys.executable, "-c", script, "engine=eager"]
            start = time.time()
            done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True)
        firsts.append(float(done.stdout.split("first step")[1].split()[0]) - start)
    return statistics.median(imports), statistics.median(firsts)


def main() -> None:
    """Measure, print and write `benchmarks/whole.json`."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    imports, first = start_up()
    print(f"imports {imports:.2f} s, to the first step {first:.2f} s, beyond imports ", end="")
    print(f"{first - imports:.2f} s")
    logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
    from sup.system.memory import keep_freed_memory

    keep_freed_memory()
    bare(10)  # compiles
    loops, wholes = [], []
    for _ in range(options.rounds):
        loops.append(sum(bare(options.steps)))
        wholes.append(everything(options.steps))
        print(f"bare {loops[-1]:.1f} s, train.py {wholes[-1]:.1f} s", flush=True)
    ratio = statistics.median(b / a for a, b in zip(loops, wholes, strict=True))
    print(f"train.py / bare loop, both with recompiling from torch's cache: {ratio:.3f}")
    result = {"imports": imports, "first": first, "bare": loops, "whole": wholes, "ratio": ratio}
    Path(__file__).with_suffix(".json").write_text(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
