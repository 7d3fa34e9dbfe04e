"""Adam for a stack: one update of all instances, each with its own learning rate and decay."""

from collections.abc import Iterable
from typing import Any

import numpy as np
from jaxtyping import Float
from torch import Tensor

from sup.training.stacked_optimizer import StackedOptimizer


class StackedAdam(StackedOptimizer):
    """AdamW with a learning rate and a weight decay for each instance; Adam where decay is 0.

    Loshchilov & Hutter, 2019, algorithm 2. One update is ten short calls. Kernels take its steps
    themselves, and are told of the schedule ahead.

    Args:
        params: tensors whose first dimension is the instance; see `StackedOptimizer`.
        lr: learning rate of each instance, ``[instance]``.
        weight_decay: decoupled weight decay of each instance, ``[instance]``.
        betas: decay of the running means of the gradient and of its square.
        eps: added to the denominator.
    """

    kept = ("mean", "square")

    def __init__(
        self,
        params: Iterable[Tensor],
        lr: Float[Tensor, " instance"],
        weight_decay: Float[Tensor, " instance"],
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
    ) -> None:
        if not (all(0 <= beta < 1 for beta in betas) and len(betas) == 2 and eps >= 0):
            raise ValueError(f"betas={betas}, eps={eps}: two in [0, 1), and at least 0")
        super().__init__(params, lr, weight_decay)
        self.betas, self.eps = betas, eps
        self._mean_bias, self._square_bias = self._values.new_ones(2).unbind()

    def lay_ready(self, step: int) -> None:
        """Lay ready by what the moments are biased."""
        beta1, beta2 = self.betas
        self._mean_bias.fill_(1 - beta1**step)
        self._square_bias.fill_(1 - beta2**step)

    def update(self) -> None:
        """Update all parameters by the gradients and numbers that `step` has laid ready."""
        beta1, beta2 = self.betas
        means, squares = self._kept.values()
        means.lerp_(self._gradients, 1 - beta1)
        squares.mul_(beta2).addcmul_(self._gradients, self._gradients, value=1 - beta2)
        denominator = (squares / self._square_bias).sqrt_().add_(self.eps)
        rates = self.rate_of_each_number()
        if self._decays is not None:
            self._values.sub_(self._values * (self._decays * rates))
        self._values.sub_((means / denominator).mul_(rates / self._mean_bias))

    def passed(self, steps: int) -> int:
        """Count steps that were taken elsewhere, in a kernel; return how many there were before."""
        self._opt_called = True  # else torch's schedulers warn that they come first
        before = self.param_groups[0]["step"]
        self.param_groups[0]["step"] += steps
        return before

    def scheduled(self, scheduler: Any, steps: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Step the schedule through steps that are taken elsewhere; return what each needs of it.

        Returns:
            The rates ``[step, group]``, and by what the moments are biased, ``[step]`` each.
        """
        before = self.passed(steps)
        rate = np.empty((steps, len(self.param_groups)), np.float32)
        for row in rate:
            row[:] = [group["lr"] for group in self.param_groups]
            scheduler.step()
        count = np.arange(before + 1, before + steps + 1)
        mean, square = ((1 - beta**count).astype(np.float32) for beta in self.betas)
        return rate, mean, square
