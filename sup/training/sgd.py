"""Gradient descent for a stack: each instance with its own rate, momentum and weight decay."""

from collections.abc import Iterable

from jaxtyping import Float
from torch import Tensor

from sup.training.stacked_optimizer import StackedOptimizer, each_number


class StackedSGD(StackedOptimizer):
    """``v <- momentum v + (g + weight_decay w)``, ``w <- w - lr v``: that of `torch.optim.SGD`.

    Polyak, 1964 (the heavy ball), in the form of Sutskever, Martens, Dahl & Hinton, 2013, with the
    rate outside the velocity, as torch has it. The decay is that of a penalty
    ``weight_decay ||w||^2 / 2`` on the loss (L2), and not AdamW's decoupled one.

    Args:
        params: tensors whose first dimension is the instance; see `StackedOptimizer`.
        lr: learning rate of each instance, ``[instance]``.
        weight_decay: L2 weight decay of each instance, ``[instance]``.
        momentum: of each instance, in [0, 1), ``[instance]``.
    """

    kept = ("velocity",)

    def __init__(
        self,
        params: Iterable[Tensor],
        lr: Float[Tensor, " instance"],
        weight_decay: Float[Tensor, " instance"],
        momentum: Float[Tensor, " instance"],
    ) -> None:
        parameters = list(params)
        super().__init__(parameters, lr, weight_decay)
        self._momenta = each_number(momentum.to(self._values), parameters)

    def update(self) -> None:
        """Update all parameters by the gradients and rates that `step` has laid ready."""
        (velocity,) = self._kept.values()
        velocity.mul_(self._momenta).add_(self._gradients)
        if self._decays is not None:
            velocity.addcmul_(self._values, self._decays)
        self._values.sub_(velocity * self.rate_of_each_number())
