"""What optimizers of a stack share: one row of memory, a learning rate for each instance."""

from collections.abc import Iterable
from functools import partial
from typing import Any, ClassVar
from weakref import proxy

import torch
from jaxtyping import Float, Shaped
from torch import Tensor

from sup.training.cuda_graph import Recorded


class StackedOptimizer(torch.optim.Optimizer):
    """An optimizer with settings for each instance; torch's own take one for a whole tensor.

    All parameters are laid out in one row of memory, and so are all gradients and each of the
    running means, so that one update is a few short calls whatever the number of instances.

    There is a group for each distinct learning rate, in ascending order, whose ``lr`` is what
    torch's schedulers see and change: a schedule need not be a factor on the rate. The parameters
    belong to the first group; the others hold an empty tensor.

    Args:
        params: tensors whose first dimension is the instance. Their memory is moved; a gradient
            written in place saves a copy.
        lr: learning rate of each instance, ``[instance]``.
        weight_decay: of each instance, ``[instance]``.
    """

    kept: ClassVar[tuple[str, ...]]
    """What is kept from step to step for each number, by the names that it has in checkpoints."""

    def __init__(
        self,
        params: Iterable[Tensor],
        lr: Float[Tensor, " instance"],
        weight_decay: Float[Tensor, " instance"],
    ) -> None:
        parameters = list(params)
        rates, group_index = lr.double().unique(return_inverse=True)
        own = [parameters, *([torch.empty(0)] for _ in rates[1:])]
        groups = [{"params": p, "lr": r} for p, r in zip(own, rates.tolist(), strict=True)]
        super().__init__(groups, {"lr": rates[0].item(), "step": 0})
        self.weight_decay, self.group_index = weight_decay, group_index
        like = parameters[0]
        size = sum(parameter.numel() for parameter in parameters)
        rows = like.new_zeros(2 + len(self.kept), size).unbind()
        self._values, self._gradients, *kept = rows
        self._kept = dict(zip(self.kept, kept, strict=True))
        self._decays = None
        if weight_decay.any():
            self._decays = each_number(weight_decay.to(like), parameters)
        # Of a single group, the rate stays one number, which spreads by itself.
        self._groups = each_number(group_index.to(like.device), parameters) if own[1:] else None
        # Numbers of the step, on the device, so that a recorded update finds them there.
        self._rates = like.new_ones(len(own))
        # By a proxy: an optimizer that held itself would be kept until there is a collection.
        self._update = Recorded(partial(type(self).update, proxy(self)), like.device)
        self._own_gradients: dict[Tensor, Tensor] = {}
        ends = torch.tensor([parameter.numel() for parameter in parameters]).cumsum(0).tolist()
        for parameter, end in zip(parameters, ends, strict=True):
            place = slice(end - parameter.numel(), end)
            self._values[place] = parameter.detach().flatten()
            parameter.data = self._values[place].view(parameter.shape)
            self._own_gradients[parameter] = self._gradients[place].view(parameter.shape)
            views = {name: row[place].view(parameter.shape) for name, row in self._kept.items()}
            self.state[parameter] = views | {"group": group_index}

    def update(self) -> None:
        """Update all parameters by the gradients and numbers that `step` has laid ready."""
        raise NotImplementedError

    def lay_ready(self, step: int) -> None:
        """Lay ready further numbers that the update of a step, counted from 1, needs."""

    @torch.no_grad()
    def step(self, closure: Any = None) -> Any:
        """Update all parameters by their gradients."""
        loss = None if closure is None else closure()
        for parameter, own in self._own_gradients.items():
            if parameter.grad is not own:
                own.copy_(torch.zeros_like(own) if parameter.grad is None else parameter.grad)
                parameter.grad = own
        first = self.param_groups[0]
        first["step"] += 1
        if self._groups is None:
            self._rates.fill_(first["lr"])
        else:
            rates = [group["lr"] for group in self.param_groups]
            self._rates.copy_(torch.tensor(rates, dtype=self._rates.dtype))
        self.lay_ready(first["step"])
        self._update()
        return loss

    def rate_of_each_number(self) -> Tensor:
        """Return the learning rate of each number; one, which spreads, where all have the same."""
        return self._rates if self._groups is None else self._rates[self._groups]

    def rates(self) -> Float[Tensor, " instance"]:
        """Return the learning rate of each instance, of the step that comes next, in float64."""
        rates = torch.tensor([group["lr"] for group in self.param_groups], dtype=torch.float64)
        return rates[next(iter(self.state.values()))["group"].cpu()]

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take over what is kept and the step, without giving up the layout in memory."""
        own = {parameter: dict(state) for parameter, state in self.state.items()}
        super().load_state_dict(state_dict)
        for parameter, state in own.items():
            for name, tensor in state.items():
                tensor.copy_(self.state[parameter][name])
            self.state[parameter] = state


def each_number(values: Shaped[Tensor, " instance"], parameters: list[Tensor]) -> Tensor:
    """Repeat each instance's value for each of its numbers, in the order of the layout."""
    return torch.cat(
        [
            values.view((-1,) + (1,) * (parameter.ndim - 1)).expand(parameter.shape).flatten()
            for parameter in parameters
        ]
    )
