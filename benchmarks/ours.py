"""Our own ways to take a training step: by a kernel, by torch compiled or not, by autograd."""

import numpy as np
import torch
from workloads import CPU, Workload

from sup.model.activations import ReLU, StackedActivation
from sup.model.autoencoder import StackedAutoencoder
from sup.model.inputs import Draws, Inputs, Purpose
from sup.training.engines import AutogradEngine, ClosedFormEngine
from sup.training.native.engine import NativeEngine
from sup.training.native.steps import NativeSteps
from sup.training.optimizer import StackedAdam

TOGETHER = 100
"""Steps for which words are made at once, as in training."""


class Ours:
    """Models with their optimizer and its schedule.

    Args:
        work: what is trained.
        steps: of the cosine schedule.
    """

    def __init__(self, work: Workload, steps: int = 10_000):
        groups = torch.arange(work.densities).repeat_interleave(work.members)
        density = work.density.double()[:, None].expand(-1, work.n)
        seeds = torch.zeros(work.densities, dtype=torch.long)
        self.work, self.steps = work, steps
        self.inputs = Inputs(seeds, density, groups, torch.float32)
        W = (2 / (work.n + work.m)) ** 0.5 * torch.randn(work.K, work.m, work.n)
        self.models = StackedAutoencoder(W, StackedActivation([(ReLU(), work.K)]))
        rate, decay = torch.full((work.K,), 0.01), torch.zeros(work.K)
        self.optimizer = StackedAdam(self.models.parameters(), rate, decay)
        self.schedule = torch.optim.lr_scheduler.CosineAnnealingLR(self.optimizer, steps)
        self.sums = torch.zeros(1, work.K)
        self.count = 0


class ByTorch(Ours):
    """A whole step by torch: words, inputs, gradients, update, schedule.

    Args:
        work: what is trained.
        kind: "compiled", "eager" or "autograd".
        steps: of the cosine schedule.
    """

    def __init__(self, work: Workload, kind: str, steps: int = 10_000):
        super().__init__(work, steps)
        self.draws = Draws((0,), (work.n, work.batch), CPU)
        self.words = self.draws.each(Purpose.TRAINING, range(10**9))
        make = AutogradEngine if kind == "autograd" else ClosedFormEngine
        cost = self.inputs.cost(work.importance, work.batch)
        self.engine = make(self.models, self.inputs, cost)
        if kind == "compiled" and isinstance(self.engine, ClosedFormEngine):
            self.engine.compile(self.draws.words(Purpose.TRAINING, 0))

    def __call__(self) -> None:
        self.sums += self.engine(next(self.words))
        self.optimizer.step()
        self.schedule.step()


class ByKernel(Ours):
    """Whole steps by a kernel, as many in a call as between two measurements.

    Args:
        work: what is trained.
        steps: of the cosine schedule.
    """

    def __init__(self, work: Workload, steps: int = 10_000):
        super().__init__(work, steps)
        threads = torch.get_num_threads()
        engine = NativeEngine(self.models, self.inputs, work.importance, work.batch, threads)
        self.way = NativeSteps(engine, (0,), work.batch, 10**9)
        self.way.attach(self.optimizer, self.sums, torch.zeros(work.K, dtype=torch.int64))

    def __call__(self, steps: int = TOGETHER) -> float:
        (part, *_) = self.way.parts(range(self.count, self.count + steps))
        self.way.take(part, self.schedule, np.zeros(len(part), np.int32))
        self.count = part.stop
        return 1 / len(part)
