"""Take the steps of a chunk inside the kernels: gradients, Adam and schedule, in one launch."""

from typing import Any

import numpy as np
import torch
from torch import Tensor

from sup.model.inputs import Purpose
from sup.training.kernels import in_parts
from sup.training.optimizer import StackedAdam
from sup.training.triton.device import kernels
from sup.training.triton.device.inputs import DRAWN, NODES
from sup.training.triton.device.kernels import Models, Update
from sup.training.triton.engine import How, TritonEngine, launched, warmed_up

MOST_WORK = 4e12
"""Multiplications in a launch: about a second, so that signals are seen and no watchdog bites."""

CHUNK = 1024
"""Numbers that Adam works on together at the most."""


class TritonSteps:
    """Trains by kernels that take whole steps; a program has a model and all steps of a launch.

    So nothing is recorded, and nothing of a model is shared with another: its numbers are the same
    to the bit whatever is trained beside it.

    Args:
        engine: with the kernels.
        seeds: the distinct seeds.
        samples: of a step.
    """

    def __init__(self, engine: TritonEngine, seeds: tuple[int, ...], samples: int):
        self.engine = engine
        self.data = engine.data(seeds)
        self.samples = engine.samples(samples)
        K, m, n = engine.models.W.shape
        self.most = max(1, int(MOST_WORK / (6 * K * m * n * self.samples)))
        self.chunk = min(CHUNK, 1 << (m * n - 1).bit_length())

    def attach(self, optimizer: StackedAdam, loss_sums: Tensor, diverged_at: Tensor) -> None:
        """Tell the kernels where weights, moments and losses are."""
        W, b = self.engine.models.W, self.engine.models.b
        for parameter in (W, b):  # what the kernels leave there is nobody's
            parameter.grad = torch.zeros_like(parameter)
        device = W.device
        in_W, in_b = (optimizer.state[parameter] for parameter in (W, b))
        self.models = Models(
            W=W.data,
            b=b.data,
            mean_W=in_W["mean"],
            mean_b=in_b["mean"],
            square_W=in_W["square"],
            square_b=in_b["square"],
            gradient_W=W.grad,
            gradient_b=b.grad,
            importance=self.engine.importance,
            decay=optimizer.weight_decay.float().to(device),
            rate_group=optimizer.group_index.to(device),
            loss=loss_sums,
            diverged_at=diverged_at,
        )
        assert all(tensor.is_contiguous() for tensor in (*self.models, *self.data))
        beta1, beta2 = optimizer.betas
        self.update = Update(1 - beta1, beta2, 1 - beta2, optimizer.eps)
        self.optimizer = optimizer

    def parts(self, steps: range) -> list[range]:
        """Return some steps in parts, each of a launch."""
        return in_parts(steps, self.most)

    def take(self, steps: range, scheduler: Any, rows: np.ndarray) -> None:
        """Take some steps, of one part; see `sup.training.kernels.KernelSteps`."""
        numbers = np.column_stack(self.optimizer.scheduled(scheduler, len(steps)))
        rows = np.column_stack((rows, np.arange(steps.start, steps.stop))).astype(np.int64)
        sent = self.sent(numbers)
        self.launch(sent, self.sent(rows), len(steps), launched)
        if sent.device.type == "cuda":
            # Else a chunk would begin before the one before has ended: no signal would be seen in
            # time, and no time measured.
            torch.cuda.current_stream().synchronize()

    def compile(self) -> None:
        """Compile the kernels, without anything to train."""
        self.models, self.update = self.engine.placeholders(), Update(0.1, 0.9, 0.1, 1e-8)
        self.launch(self.engine.losses, self.engine.inputs.group_index, 1, warmed_up)

    def launch(self, numbers: Tensor, rows: Tensor, steps: int, how: How) -> None:
        """Launch the kernels for some steps, of which numbers and rows say what they need."""
        groups = max(1, numbers.shape[-1] - 2)
        self.engine.launch_all(
            kernels.train,
            lambda launch: (
                *(self.models, self.data, launch.values, launch.start, self.update),
                *(numbers, rows, steps, groups, len(self.engine.losses)),
                *(int(Purpose.TRAINING), self.samples),
            ),
            how,
            MODE=DRAWN if self.engine.draws else NODES,
            CHUNK=self.chunk,
        )

    def sent(self, numbers: np.ndarray) -> Tensor:
        """Return numbers on the device, without waiting for it."""
        values, device = torch.from_numpy(numbers), self.engine.losses.device
        if device.type == "cuda":
            values = values.pin_memory()
        return values.to(device, non_blocking=True)
