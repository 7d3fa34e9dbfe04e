"""The state of optimizers and schedules in a checkpoint, and what of it is of some instances."""

from typing import Any

import torch
from jaxtyping import Int
from torch import Tensor


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
