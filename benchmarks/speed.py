"""A training step of ours against other ways to train the same models, and against its floor.

All ways are interleaved in one process, a block of steps each, several rounds; figures are medians
of milliseconds per step of all K models. `python benchmarks/speed.py a b` runs some workloads.
"""

import argparse
import json
import logging
import statistics
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import lightning.pytorch as pl
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader

from sup.activations import ReLU, StackedActivation
from sup.autoencoder import StackedAutoencoder
from sup.engine import AutogradEngine, ClosedFormEngine
from sup.features import Draws, Inputs, Purpose
from sup.memory import keep_freed_memory
from sup.optimizer import StackedAdam

CPU = torch.device("cpu")
ROUNDS = 9


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
        return torch.logspace(0, -2, self.densities)

    @property
    def importance(self) -> Tensor:
        return (0.9 ** torch.arange(self.n)).expand(self.K, -1)


WORKLOADS = {
    "a": Workload(densities=10, members=7, n=10, m=5),
    "b": Workload(densities=51, members=51, n=2, m=1),
    "c": Workload(densities=20, members=1, n=200, m=20),
    "d": Workload(densities=1, members=1, n=10, m=5),
}

Step = Callable[[], object]


def ours(work: Workload, kind: str) -> Step:
    """Return our whole step: draw, inputs, gradients, update, schedule."""
    groups = torch.arange(work.densities).repeat_interleave(work.members)
    inputs = Inputs(torch.zeros(work.densities, dtype=torch.long), work.density, groups)
    W = 0.3 * torch.randn(work.K, work.m, work.n)
    models = StackedAutoencoder(W, StackedActivation([(ReLU(), work.K)]))
    draws = Draws((0,), (work.n, work.batch), CPU)
    optimizer = StackedAdam(models.parameters(), torch.full((work.K,), 0.01), torch.zeros(work.K))
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 10_000)
    make = AutogradEngine if kind == "autograd" else ClosedFormEngine
    engine = make(models, inputs, inputs.cost(work.importance, work.batch))
    if kind == "compiled" and isinstance(engine, ClosedFormEngine):
        engine.compile(draws.uniform(Purpose.TRAINING, 0))
    sums = torch.zeros(work.K)
    count = iter(range(10**9))

    def step() -> None:
        nonlocal sums
        sums += engine(draws.uniform(Purpose.TRAINING, next(count)))
        optimizer.step()
        schedule.step()

    return step


def notebook(work: Workload) -> Step:
    """Return the step of TMS's notebook: [batch, instance, feature], two draws per number."""
    K, n, m, B = work.K, work.n, work.m, work.batch
    W = (0.3 * torch.randn(K, n, m)).requires_grad_()
    b = torch.zeros(K, n, requires_grad=True)
    p = work.density.repeat_interleave(work.members)[:, None]
    importance = work.importance[0]
    optimizer = torch.optim.AdamW([W, b], lr=1e-3)

    def step() -> None:
        optimizer.zero_grad(set_to_none=True)
        values = torch.rand(B, K, n)
        x = torch.where(torch.rand(B, K, n) <= p, values, torch.zeros(()))
        hidden = torch.einsum("...if,ifh->...ih", x, W)
        out = torch.relu(torch.einsum("...ih,ifh->...if", hidden, W) + b)
        (importance * (x - out) ** 2).mean((0, 2)).sum().backward()
        optimizer.step()

    return step


def loop(work: Workload) -> Step:
    """Return one step of each model, one model after another; at most 20 of them, scaled up."""
    K, shown = work.K, min(work.K, 20)
    models = []
    for _ in range(shown):
        W = (0.3 * torch.randn(work.m, work.n)).requires_grad_()
        b = torch.zeros(work.n, 1, requires_grad=True)
        models.append((W, b, torch.optim.Adam([W, b], lr=1e-2, fused=True)))
    importance = work.importance[0][:, None]

    def step() -> float:
        for W, b, optimizer in models:
            u = torch.rand(work.n, work.batch)
            x = torch.where(u < 0.1, u / 0.1, 0.0)
            optimizer.zero_grad()
            out = torch.relu(W.T @ (W @ x) + b)
            ((out - x).square() * importance).mean(-1).sum().backward()
            optimizer.step()
        return K / shown

    return step


class Alone(pl.LightningModule):
    """One model, trained as Lightning's tutorials do."""

    def __init__(self, work: Workload):
        super().__init__()
        self.work = work
        self.W = nn.Parameter(0.3 * torch.randn(work.m, work.n))
        self.b = nn.Parameter(torch.zeros(work.n, 1))

    def training_step(self, u: Tensor, index: int) -> Tensor:
        x = torch.where(u < 0.1, u / 0.1, 0.0)
        out = torch.relu(self.W.T @ (self.W @ x) + self.b)
        loss = ((out - x).square() * self.work.importance[0][:, None]).mean(-1).sum()
        self.log("loss", loss)
        return loss

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.Adam(self.parameters(), lr=1e-2, fused=True)

    def train_dataloader(self) -> DataLoader:
        draws: Any = [torch.rand(self.work.n, self.work.batch)] * 300
        return DataLoader(draws, batch_size=None)


def lightning(work: Workload) -> float:
    """Return milliseconds for a step of all models, each in a Lightning run of its own."""
    quiet: Any = {"logger": False, "enable_checkpointing": False, "enable_progress_bar": False}
    trainer = pl.Trainer(accelerator="cpu", max_epochs=1, enable_model_summary=False, **quiet)
    logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
    warnings.simplefilter("ignore")
    start = time.perf_counter()
    trainer.fit(Alone(work))
    return (time.perf_counter() - start) / 300 * 1e3 * work.K


def floor(work: Workload) -> Step:
    """Return the five matrix products of a step and nothing else."""
    W, x = torch.randn(work.K, work.m, work.n), torch.rand(work.K, work.n, work.batch)
    h = torch.bmm(W, x)
    z = torch.bmm(W.mT, h)

    def step() -> None:
        torch.bmm(W, x)
        torch.bmm(W.mT, h)
        torch.bmm(W, z)
        torch.bmm(h, z.mT)
        torch.bmm(h, x.mT)

    return step


def random_numbers(work: Workload) -> Step:
    """Return the draw of a step and nothing else."""
    draws = Draws((0,), (work.n, work.batch), CPU)
    return lambda: draws.uniform(Purpose.TRAINING, 0)


def measure(ways: dict[str, Step], seconds: float = 0.3) -> dict[str, float]:
    """Return the median milliseconds of each way, interleaved."""
    times: dict[str, list[float]] = {name: [] for name in ways}
    for step in ways.values():
        step()
    for _ in range(ROUNDS):
        for name, step in ways.items():
            end = time.perf_counter() + seconds
            while time.perf_counter() < end:
                start = time.perf_counter()
                scale = step()
                taken = time.perf_counter() - start
                times[name].append(taken * (scale if isinstance(scale, float) else 1.0))
    return {name: statistics.median(taken) * 1e3 for name, taken in times.items()}


def main() -> None:
    """Measure the chosen workloads, print a table and write `benchmarks/speed.json`."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("workloads", nargs="*", default=[*WORKLOADS], metavar="a|b|c|d")
    parser.add_argument("--default-malloc", action="store_true", help="leave glibc as it is")
    options = parser.parse_args()
    if not options.default_malloc:
        keep_freed_memory()  # as train.py does; it makes the notebook three times faster as well
    results = {}
    for name in options.workloads:
        work = WORKLOADS[name]
        ways: dict[str, Step] = {
            "compiled": ours(work, "compiled"),
            "closed form": ours(work, "eager"),
            "autograd": ours(work, "autograd"),
            "notebook": notebook(work),
            "loop": loop(work),
            "products alone": floor(work),
            "draws alone": random_numbers(work),
        }
        times = measure(ways) | {"lightning": lightning(work)}
        results[name] = times
        print(f"\n({name}) K={work.K} n={work.n} m={work.m} B={work.batch}")
        for way, taken in times.items():
            print(f"  {way:15} {taken:9.3f} ms   {taken / times['compiled']:8.2f} x compiled")
    path = Path(__file__).with_suffix(".json")
    path.write_text(json.dumps(results, indent=1))


if __name__ == "__main__":
    main()
