"""Adam for a stack: one update of all instances, each with its own learning rate and decay."""

from collections.abc import Iterable
from functools import partial
from typing import Any
from weakref import proxy

import numpy as np
import torch
from jaxtyping import Float, Int, Shaped
from torch import Tensor

from sup.training.cuda_graph import Recorded


class StackedAdam(torch.optim.Optimizer):
    """AdamW with a learning rate and a weight decay for each instance; Adam where decay is 0.

    Loshchilov & Hutter, 2019, algorithm 2. torch's own optimizers take one learning rate for a
    whole tensor. Here all parameters are laid out in one row of memory, and so are all gradients
    and moments, so that one update is ten short calls whatever the number of instances.

    There is a group for each distinct learning rate, in ascending order, whose ``lr`` is what
    torch's schedulers see and change: a schedule need not be a factor on the rate. The parameters
    belong to the first group; the others hold an empty tensor.

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
        if not (all(0 <= beta < 1 for beta in betas) and len(betas) == 2 and eps >= 0):
            raise ValueError(f"betas={betas}, eps={eps}: two in [0, 1), and at least 0")
        parameters = list(params)
        rates, group_index = lr.double().unique(return_inverse=True)
        own = [parameters, *([torch.empty(0)] for _ in rates[1:])]
        groups = [{"params": p, "lr": r} for p, r in zip(own, rates.tolist(), strict=True)]
        super().__init__(groups, {"lr": rates[0].item(), "step": 0})
        self.betas, self.eps = betas, eps
        self.weight_decay, self.group_index = weight_decay, group_index
        like = parameters[0]
        size = sum(parameter.numel() for parameter in parameters)
        self._values, self._gradients, self._means, self._squares = like.new_zeros(4, size).unbind()
        self._decays = None
        if weight_decay.any():
            self._decays = _each_number(weight_decay.to(like), parameters)
        # Of a single group, the rate stays one number, which spreads by itself.
        self._groups = _each_number(group_index.to(like.device), parameters) if own[1:] else None
        # Numbers of the step, on the device, so that a recorded update finds them there.
        self._rates = like.new_ones(len(own))
        self._mean_bias, self._square_bias = like.new_ones(2).unbind()
        # By a proxy: an optimizer that held itself would be kept until there is a collection.
        self._update = Recorded(partial(type(self).update, proxy(self)), like.device)
        self._own_gradients: dict[Tensor, Tensor] = {}
        ends = torch.tensor([parameter.numel() for parameter in parameters]).cumsum(0).tolist()
        for parameter, end in zip(parameters, ends, strict=True):
            place = slice(end - parameter.numel(), end)
            self._values[place] = parameter.detach().flatten()
            parameter.data = self._values[place].view(parameter.shape)
            self._own_gradients[parameter] = self._gradients[place].view(parameter.shape)
            self.state[parameter] = {
                "mean": self._means[place].view(parameter.shape),
                "square": self._squares[place].view(parameter.shape),
                "group": group_index,
            }

    @torch.no_grad()
    def step(self, closure: Any = None) -> Any:
        """Update all parameters by their gradients."""
        loss = None if closure is None else closure()
        for parameter, own in self._own_gradients.items():
            if parameter.grad is not own:
                own.copy_(torch.zeros_like(own) if parameter.grad is None else parameter.grad)
                parameter.grad = own
        first, (beta1, beta2) = self.param_groups[0], self.betas
        first["step"] += 1
        if self._groups is None:
            self._rates.fill_(first["lr"])
        else:
            rates = [group["lr"] for group in self.param_groups]
            self._rates.copy_(torch.tensor(rates, dtype=self._rates.dtype))
        self._mean_bias.fill_(1 - beta1 ** first["step"])
        self._square_bias.fill_(1 - beta2 ** first["step"])
        self._update()
        return loss

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

    def update(self) -> None:
        """Update all parameters by the gradients and numbers that `step` has laid ready."""
        beta1, beta2 = self.betas
        self._means.lerp_(self._gradients, 1 - beta1)
        self._squares.mul_(beta2).addcmul_(self._gradients, self._gradients, value=1 - beta2)
        denominator = (self._squares / self._square_bias).sqrt_().add_(self.eps)
        rates = self._rates if self._groups is None else self._rates[self._groups]
        if self._decays is not None:
            self._values.sub_(self._values * (self._decays * rates))
        self._values.sub_((self._means / denominator).mul_(rates / self._mean_bias))

    def rates(self) -> Float[Tensor, " instance"]:
        """Return the learning rate of each instance, of the step that comes next, in float64."""
        rates = torch.tensor([group["lr"] for group in self.param_groups], dtype=torch.float64)
        return rates[next(iter(self.state.values()))["group"].cpu()]

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take over moments and step, without giving up the layout in memory."""
        own = {parameter: dict(state) for parameter, state in self.state.items()}
        super().load_state_dict(state_dict)
        for parameter, state in own.items():
            for name, tensor in state.items():
                tensor.copy_(self.state[parameter][name])
            self.state[parameter] = state


def _each_number(values: Shaped[Tensor, " instance"], parameters: list[Tensor]) -> Tensor:
    """Repeat each instance's value for each of its numbers, in the order of the layout."""
    return torch.cat(
        [
            values.view((-1,) + (1,) * (parameter.ndim - 1)).expand(parameter.shape).flatten()
            for parameter in parameters
        ]
    )


def take_instances(checkpoint: dict[str, Any], chosen: Int[Tensor, " instance"]) -> None:
    """Leave, of the optimizers and schedulers in a checkpoint, the state of chosen instances.

    Args:
        checkpoint: Lightning's, which is changed.
        chosen: places of the instances in the stack that it was made of.
    """
    for optimizer in checkpoint["optimizer_states"]:
        for state in optimizer["state"].values():
            for name, tensor in state.items():
                if torch.is_tensor(tensor) and tensor.ndim > 0:
                    state[name] = tensor[chosen.to(tensor.device)]
        if "group" not in optimizer["state"][0]:  # one of torch's own
            continue
        kept, index = optimizer["state"][0]["group"].unique(return_inverse=True)
        for state in optimizer["state"].values():
            state["group"] = index
        first, *_ = groups = optimizer["param_groups"]
        left = [{**groups[k], "step": first["step"]} for k in kept.tolist()]
        left[0]["params"] = first["params"]
        for number, group in enumerate(left[1:], len(first["params"])):
            group["params"] = [number]
        optimizer["param_groups"] = left
        for scheduler in checkpoint["lr_schedulers"]:
            _take_rates(scheduler, len(groups), kept.tolist())


def _take_rates(scheduler: dict[str, Any], groups: int, kept: list[int]) -> None:
    """Leave, of the state of one of torch's schedulers, what it holds of the groups that are kept.

    That is a list for each of `base_lrs`, `_last_lr`, `max_lrs`, `lr_lambdas` and such.
    """
    for name, value in scheduler.items():
        if isinstance(value, list) and name.endswith(("_lrs", "_lr", "_lambdas")):
            scheduler[name] = [value[k] for k in kept] if len(value) == groups else value
        elif isinstance(value, list) and name == "_schedulers":  # those of a chain
            for inner in value:
                _take_rates(inner, groups, kept)
