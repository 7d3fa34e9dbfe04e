"""The distinct activations of a stack: of each of its parameters' values, where these are axes."""

import torch
from jaxtyping import Int
from torch import Tensor

from sup.model.activations import Activation
from sup.model.building import activation_of
from sup.training.stack import Stack

Distinct = tuple[Activation, Int[Tensor, " own"]]
"""An activation for any number of instances, and the places in the tensors of those it is of."""


def distinct_activations(stack: Stack, device: torch.device, dtype: torch.dtype) -> list[Distinct]:
    """Return the distinct activations of a stack, made for a device and a precision."""
    found, start = [], 0
    for block in stack.blocks:
        settings, stop = block[0].run.settings, start + sum(len(part.places) for part in block)
        axes = [axis for axis in settings.grid.axes if axis.startswith("activation.")]
        groups: dict[tuple[float, ...], list[int]] = {}
        for place in range(start, stop):
            part, k = stack.order[place]
            groups.setdefault(tuple(part.points[k][axis] for axis in axes), []).append(place)
        for places in groups.values():
            part, k = stack.order[places[0]]
            own = activation_of(settings.activation, [part.points[k]], device, dtype)
            found.append((own, torch.tensor(places)))
        start = stop
    return found
