"""Wall time until the mean loss is within 1% of the best known, ours against the notebook's.

Workload (a) is seven seeds at ten densities: its figure is the mean over densities of the best
seed's loss. Workload (b) is a phase diagram: its figure is the mean over all cells. Ours runs anew
with each number of steps, as its schedule ends with them, compilation included; the notebook runs
once, at its constant rate, and is looked at now and then. The best known loss of each cell is the
lowest that any way found.

In (b) the notebook trains every fifth density and ratio only, and its time is that many steps of
all cells, whose cost is measured: the whole would take an hour. Ours is judged by the same cells.
"""

import json
import time
from dataclasses import replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from unittest import mock

import torch
from baselines import Notebook
from ours import ByKernel
from torch import Tensor
from workloads import CPU, WORKLOADS, Workload, best_threads, one_round

from sup.model.activations import ReLU, StackedActivation
from sup.model.autoencoder import StackedAutoencoder, reconstruction_loss
from sup.model.inputs import Draws, Inputs, Purpose
from sup.model.quadrature import QuadratureInputs
from sup.system.memory import keep_freed_memory
from sup.training.native import compiler

STEPS = (200, 500, 1_000, 2_000, 5_000, 10_000)
"""Lengths of our runs."""
LOOKS = (500, 1_000, 2_000, 3_000, 4_000, 5_000, 6_000, 7_000, 8_000, 9_000, 10_000)
"""When the notebook's run is looked at."""
THRESHOLDS = (0.1, 0.03, 0.01)


@torch.no_grad()
def losses(work: Workload, W: Tensor, b: Tensor) -> Tensor:
    """Return each model's loss: exact for two features, else on the same 65,536 samples."""
    models = StackedAutoencoder(W, StackedActivation([(ReLU(), work.K)]))
    models.b.data.copy_(b)
    density = work.density.repeat_interleave(work.members)[:, None].expand(-1, work.n)
    if work.n <= 3:
        inputs = QuadratureInputs(work.n, density)
        x = inputs(torch.empty(1, work.n, 1, dtype=torch.int64))
        cost = inputs.cost(work.importance, 1)
        return reconstruction_loss(x.expand(work.K, -1, -1), models(x.expand(work.K, -1, -1)), cost)
    inputs = Inputs(torch.zeros(work.K, dtype=torch.long), density.double(), torch.arange(work.K))
    words = Draws((1,), (work.n, 1024), CPU).block(Purpose.EVALUATION, range(64))
    cost = inputs.cost(work.importance, 1024)
    batches = [inputs(own) for own in words]
    return torch.stack([reconstruction_loss(x, models(x), cost) for x in batches]).mean(0)


def cells(work: Workload, loss: Tensor) -> Tensor:
    """Return the loss of each cell of the figure: the best of the seeds in (a)."""
    return loss.view(work.densities, -1).amin(1) if work.n > 2 else loss


def ours(work: Workload, chosen: Tensor, judged: Workload) -> list[tuple[int, float, Tensor]]:
    """Return (steps, seconds, loss of each cell) of our runs."""
    runs = []
    for steps in STEPS:
        torch.manual_seed(0)
        # In an empty folder, so that the kernel is compiled as it is the first time on a machine.
        with (
            TemporaryDirectory() as empty,
            mock.patch.object(compiler, "folder", partial(Path, empty)),
        ):
            start = time.perf_counter()
            step = ByKernel(work, steps)
            while step.count < steps:
                step(steps - step.count)
            taken = time.perf_counter() - start
        W, b = step.models.W.detach()[chosen], step.models.b.detach()[chosen]
        runs.append((steps, taken, cells(judged, losses(judged, W, b))))
    return runs


def notebook(work: Workload, judged: Workload) -> list[tuple[int, float, Tensor]]:
    """Return (steps, seconds, loss of each cell) of one run, looked at now and then."""
    whole = Notebook(work)
    threads, before = best_threads(whole), torch.get_num_threads()
    each = one_round(whole, 2.0, threads) / 1e3
    torch.manual_seed(0)
    part = Notebook(judged, std=(2 / (work.n + work.m)) ** 0.5)
    runs = []
    torch.set_num_threads(threads)
    for step in range(1, max(LOOKS) + 1):
        part()
        if step in LOOKS:
            W, b = part.W.detach().mT.contiguous(), part.b.detach()
            runs.append((step, step * each, cells(judged, losses(judged, W, b))))
    torch.set_num_threads(before)
    return runs


def main() -> None:
    """Run both ways on both workloads, print when each reaches the thresholds, write JSON."""
    keep_freed_memory()
    results = {}
    for name in ("a", "b"):
        work = WORKLOADS[name]
        judged, chosen = work, torch.arange(work.K)
        if work.n == 2:
            judged = replace(work, densities=11, members=11)
            chosen = torch.arange(work.K).view(work.densities, -1)[::5, ::5].flatten()
        found = {"ours": ours(work, chosen, judged), "notebook": notebook(work, judged)}
        every = [loss for runs in found.values() for *_, loss in runs]
        best = torch.stack(every).amin(0).mean()
        print(f"\n({name}) best known mean loss {best:.5f}")
        results[name] = {}
        for way, runs in found.items():
            rows = [(steps, taken, float(loss.mean() / best - 1)) for steps, taken, loss in runs]
            results[name][way] = rows
            for steps, taken, excess in rows:
                print(f"  {way:9} {steps:6} steps {taken:8.1f} s   {excess:+.2%}")
            for threshold in THRESHOLDS:
                reached = [taken for _, taken, excess in rows if excess <= threshold]
                when = f"{min(reached):.1f} s" if reached else "never"
                print(f"  {way:9} within {threshold:.0%}: {when}")
    Path(__file__).with_suffix(".json").write_text(json.dumps(results, indent=1))


if __name__ == "__main__":
    main()
