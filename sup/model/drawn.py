"""Inputs of any distribution: which features are present, then how large each of them is."""

from collections.abc import Callable, Mapping
from math import pi
from typing import Any

import torch
from jaxtyping import Float, Float64, Int
from torch import Tensor, nn

from sup.model.features.presence import Presence

NODES, WIDTH = 2**14, 3.2
"""Nodes of an integral over all values, and how far they go: by then weights are below 1e-15."""


class Values(nn.Module):
    """Turns uniform numbers into values of features that are present; see `sup.model.magnitude`.

    Args:
        function: does so.
        own: its parameters that differ between inputs, ``[group]``.
        given: all of its parameters.
        dtype: of the values.
    """

    def __init__(
        self,
        function: Callable[..., Tensor],
        own: Mapping[str, Float64[Tensor, " group"]],
        given: Mapping[str, Any],
        dtype: torch.dtype,
    ):
        super().__init__()
        self.function = function
        self.own = list(own)
        self.given = {name: value for name, value in given.items() if name not in own}
        for name, numbers in own.items():
            self.register_buffer(name, numbers.to(dtype)[:, None, None], persistent=False)

    def forward(self, u: Float[Tensor, "#group feature batch"]) -> Tensor:
        """Return values, of numbers that are uniform on (0, 1]."""
        return self.function(u, **{name: getattr(self, name) for name in self.own}, **self.given)

    def moments(
        self, target: Callable[[Tensor], Tensor]
    ) -> tuple[Float64[Tensor, " #group"], Float64[Tensor, " #group"]]:
        """Return the mean of what values are to become, and of its square.

        By tanh-sinh nodes (Takahasi & Mori, 1974), which also see what goes to infinity at an end:
        to 1e-6 where there are kinks, to rounding elsewhere.

        Args:
            target: what the model is to make of a value.
        """
        t = torch.linspace(-WIDTH, WIDTH, NODES, dtype=torch.float64)
        u = torch.sigmoid(pi * t.sinh())
        weight = t.cosh() * u * (1 - u)
        wanted = target(self(u[None, None]))[:, 0]
        mean, square = (
            (each * weight).sum(-1) / weight.sum() for each in (wanted, wanted.square())
        )
        return mean, square


class DrawnInputs(nn.Module):
    """Makes inputs from words by torch; takes the place of `sup.model.inputs.Inputs`.

    Args:
        presence: of which features are present, one for each input.
        values: of those that are.
        seed_index: which seed's words each input is made from.
        group_index: which input each instance looks at.
        dtype: of the inputs.
    """

    seed_index: Tensor
    group_index: Tensor

    def __init__(
        self,
        presence: Presence,
        values: Values,
        seed_index: Int[Tensor, " group"],
        group_index: Int[Tensor, " instance"],
        dtype: torch.dtype = torch.float32,
    ):
        super().__init__()
        self.presence = presence
        self.values = values
        self.dtype = dtype
        self.rows = presence.rows + presence.density.shape[-1]
        self.register_buffer("seed_index", seed_index, persistent=False)
        self.register_buffer("group_index", group_index, persistent=False)

    def forward(self, words: Int[Tensor, "seed row batch"]) -> Float[Tensor, "group feature batch"]:
        """Return the inputs of a step, of words in [0, 2^32)."""
        own = words if len(words) == 1 else words[self.seed_index]
        which, size = own.split((self.presence.rows, self.rows - self.presence.rows), 1)
        x = torch.where(self.presence(which), self.values(self.uniform(size)), 0.0)
        return x.expand(len(self.seed_index), -1, -1)  # of one seed, inputs may all be alike

    def uniform(self, words: Int[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
        """Return words as numbers above 0, so that all that is present has a logarithm."""
        return (words.to(self.dtype) + 0.5) * 2**-32

    def cost(
        self, importance: Float[Tensor, "instance feature"], batch: int
    ) -> Float[Tensor, "instance feature 1"]:
        """Return what a squared error counts in the loss: importance over the batch's size."""
        return importance[..., None] / batch
