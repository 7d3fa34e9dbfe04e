"""A training step of ours against other ways to train the same models, and against its floor.

All ways are interleaved in one process, a block of steps each, several rounds; figures are medians
of milliseconds per step of all K models. `python benchmarks/speed.py a b` runs some workloads.
"""

import argparse
import json
from pathlib import Path

import torch
from baselines import Notebook, jax_scan, lightning, loop
from floors import products, random_numbers, traffic
from workloads import CPU, WORKLOADS, Step, Workload, measure

from sup.model.activations import ReLU, StackedActivation
from sup.model.autoencoder import StackedAutoencoder
from sup.model.inputs import Draws, Inputs, Purpose
from sup.system.memory import keep_freed_memory
from sup.training.engines import AutogradEngine, ClosedFormEngine
from sup.training.optimizer import StackedAdam


class Ours:
    """Our whole step: draw, inputs, gradients, update, schedule.

    Args:
        work: what is trained.
        kind: "compiled", "eager" or "autograd".
        steps: of the cosine schedule.
    """

    def __init__(self, work: Workload, kind: str, steps: int = 10_000):
        groups = torch.arange(work.densities).repeat_interleave(work.members)
        density = work.density[:, None].expand(-1, work.n)
        inputs = Inputs(torch.zeros(work.densities, dtype=torch.long), density.double(), groups)
        W = (2 / (work.n + work.m)) ** 0.5 * torch.randn(work.K, work.m, work.n)
        self.models = StackedAutoencoder(W, StackedActivation([(ReLU(), work.K)]))
        draws = Draws((0,), (work.n, work.batch), CPU)
        self.data = draws.each(Purpose.TRAINING, range(2**53))
        rate, decay = torch.full((work.K,), 0.01), torch.zeros(work.K)
        self.optimizer = StackedAdam(self.models.parameters(), rate, decay)
        self.schedule = torch.optim.lr_scheduler.CosineAnnealingLR(self.optimizer, steps)
        make = AutogradEngine if kind == "autograd" else ClosedFormEngine
        self.engine = make(self.models, inputs, inputs.cost(work.importance, work.batch))
        if kind == "compiled" and isinstance(self.engine, ClosedFormEngine):
            self.engine.compile(draws.words(Purpose.TRAINING, 0))
        self.sums = torch.zeros(work.K)

    def __call__(self) -> None:
        self.sums += self.engine(next(self.data))
        self.optimizer.step()
        self.schedule.step()


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
        ways: dict[str, Step | None] = {
            "compiled": Ours(work, "compiled"),
            "closed form": Ours(work, "eager"),
            "autograd": Ours(work, "autograd"),
            "notebook": Notebook(work),
            "jax": jax_scan(work),
            "loop": loop(work),
            "products alone": products(work),
            "draws alone": random_numbers(work),
            "traffic alone": traffic(work),
        }
        times = measure({name: way for name, way in ways.items() if way is not None})
        times["lightning"] = lightning(work)
        results[name] = times
        print(f"\n({name}) K={work.K} n={work.n} m={work.m} B={work.batch}")
        for way, taken in times.items():
            print(f"  {way:15} {taken:9.3f} ms   {taken / times['compiled']:8.2f} x compiled")
    malloc = "-default-malloc" if options.default_malloc else ""
    path = Path(__file__).with_name(f"speed{malloc}.json")
    path.write_text(json.dumps(results, indent=1))


if __name__ == "__main__":
    main()
