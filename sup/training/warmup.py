"""A schedule that begins slowly: a linear warm-up, then half a cosine down to zero."""

from math import cos, pi
from typing import Any

import torch


class WarmupCosine(torch.optim.lr_scheduler.LRScheduler):
    """Up in equal steps to the full rate, then as half a cosine to zero, where it stays.

    Goyal et al., 2017 (arXiv 1706.02677), section 2.2, for the warm-up; Loshchilov & Hutter, 2017
    (arXiv 1608.03983), eq. 5, for the cosine. Step t = 0, 1, ... of T, w of them warm-up, is taken
    at ``(t + 1) / w`` of the rate where t < w, then at ``(1 + cos(pi (t - w) / (T - w))) / 2``. It
    is torch's `LinearLR` from 1/w, followed by its `CosineAnnealingLR`.

    Args:
        optimizer: whose rates.
        T_max: steps until the rate is zero, T.
        warmup: the share of them that the way up takes, in [0, 1).
    """

    def __init__(self, optimizer: torch.optim.Optimizer, T_max: int, warmup: float | int) -> None:
        self.T_max = T_max
        self.up = round(warmup * T_max)
        super().__init__(optimizer)

    def factor(self, step: int) -> float:
        """Return by what the rate of a step is multiplied."""
        if step < self.up:
            return (step + 1) / self.up
        down = (step - self.up) / max(self.T_max - self.up, 1)
        return (1 + cos(pi * min(down, 1.0))) / 2

    def get_lr(self) -> Any:
        """Return the rate of each group, of the step that comes next."""
        return [rate * self.factor(self.last_epoch) for rate in self.base_lrs]
