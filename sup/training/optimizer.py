"""Adam for a stack: one update of all instances, each with its own learning rate and decay."""

from collections.abc import Iterable
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from sup.training.cuda_graph import Recorded


class StackedAdam(torch.optim.Optimizer):
    """AdamW with a learning rate and a weight decay for each instance; Adam where decay is 0.

    Loshchilov & Hutter, 2019, algorithm 2. torch's own optimizers take one learning rate for a
    whole tensor. Here all parameters are laid out in one row of memory, and so are all gradients
    and moments, so that one update is ten short calls whatever the number of instances.

    The group's ``lr`` is the schedule's factor on every instance's own rate, 1 at first, so torch's
    schedulers work as they are.

    Args:
        params: tensors whose first dimension is the instance. Their memory is moved; a gradient
            written in place saves a copy.
        lr: learning rate of each instance, ``[instance]``.
        weight_decay: decoupled weight decay of each instance, ``[instance]``.
        betas: decay of the running means of the gradient and of its square.
        eps: added to the denominator.
    """

    def __init__(
        self,
        params: Iterable[Tensor],
        lr: Float[Tensor, " instance"],
        weight_decay: Float[Tensor, " instance"],
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
    ) -> None:
        super().__init__(params, {"lr": 1.0, "step": 0})
        self.betas, self.eps = betas, eps
        parameters = self.param_groups[0]["params"]
        self._rates = _each_number(lr, parameters)
        self._decays = _each_number(lr * weight_decay, parameters)
        self._decaying = bool(weight_decay.any())
        size = len(self._rates)
        self._values, self._gradients, self._means, self._squares = (
            torch.zeros(size, device=lr.device) for _ in range(4)
        )
        self._own_gradients: dict[Tensor, Tensor] = {}
        # Numbers of the step, on the device, so that a recorded update finds them there.
        self._factor, self._rate, self._correction = torch.ones(3, device=lr.device).unbind()
        self._update = Recorded(self.update, lr.device)
        ends = torch.tensor([parameter.numel() for parameter in parameters]).cumsum(0).tolist()
        for parameter, end in zip(parameters, ends, strict=True):
            place = slice(end - parameter.numel(), end)
            self._values[place] = parameter.detach().flatten()
            parameter.data = self._values[place].view(parameter.shape)
            self._own_gradients[parameter] = self._gradients[place].view(parameter.shape)
            self.state[parameter] = {
                "mean": self._means[place].view(parameter.shape),
                "square": self._squares[place].view(parameter.shape),
            }

    @torch.no_grad()
    def step(self, closure: Any = None) -> Any:
        """Update all parameters by their gradients."""
        loss = None if closure is None else closure()
        for parameter, own in self._own_gradients.items():
            if parameter.grad is not own:
                own.copy_(torch.zeros_like(own) if parameter.grad is None else parameter.grad)
                parameter.grad = own
        group, (beta1, beta2) = self.param_groups[0], self.betas
        group["step"] += 1
        self._factor.fill_(group["lr"])
        self._rate.fill_(group["lr"] / (1 - beta1 ** group["step"]))
        self._correction.fill_(1 - beta2 ** group["step"])
        self._update()
        return loss

    def update(self) -> None:
        """Update all parameters by the gradients and numbers that `step` has laid ready."""
        beta1, beta2 = self.betas
        self._means.lerp_(self._gradients, 1 - beta1)
        self._squares.mul_(beta2).addcmul_(self._gradients, self._gradients, value=1 - beta2)
        denominator = (self._squares / self._correction).sqrt_().add_(self.eps)
        change = (self._means / denominator).mul_(self._rates)
        if self._decaying:
            self._values.sub_(self._values * (self._decays * self._factor))
        self._values.sub_(change.mul_(self._rate))

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take over moments and step, without giving up the layout in memory."""
        own = {parameter: dict(state) for parameter, state in self.state.items()}
        super().load_state_dict(state_dict)
        for parameter, state in own.items():
            for name, tensor in state.items():
                tensor.copy_(self.state[parameter][name])
            self.state[parameter] = state


def _each_number(values: Float[Tensor, " instance"], parameters: list[Tensor]) -> Tensor:
    """Repeat each instance's value for each of its numbers, in the order of the layout."""
    return torch.cat(
        [
            values.view((-1,) + (1,) * (parameter.ndim - 1)).expand(parameter.shape).flatten()
            for parameter in parameters
        ]
    )
