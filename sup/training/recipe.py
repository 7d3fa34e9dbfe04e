"""How the models of a stack are trained: what its module is told of the settings."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor


@dataclass(frozen=True)
class Recipe:
    """How the models of a stack are trained.

    Args:
        steps: optimizer steps of the whole run.
        optimizer: makes the optimizer from the parameters.
        scheduler: makes the learning rate's schedule from the optimizer; stepped after every step.
        engine: how gradients are computed, see `sup.training.engines`.
        clip: the limit on each instance's gradient, None for none; see `sup.training.clipping`.
        clip_kind: what is limited.
        threads: how many of the CPU's may train models side by side.
    """

    steps: int
    optimizer: Callable[[Iterable[Tensor]], torch.optim.Optimizer]
    scheduler: Callable[..., torch.optim.lr_scheduler.LRScheduler]
    engine: str
    clip: float | int | None
    clip_kind: str | None
    threads: int

    def configured(self, parameters: Iterable[Tensor]) -> dict[str, Any]:
        """Make optimizer and schedule, as Lightning takes them."""
        optimizer = self.optimizer(parameters)
        return {"optimizer": optimizer, "lr_scheduler": self.scheduler(optimizer)}
