"""Noise of the hidden dimensions, as further rows of the inputs."""

from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from sup.model.magnitude import normal


class NoisyInputs(nn.Module):
    """Inputs with normal numbers below their features, of words of their own.

    Args:
        inputs: those without.
        hidden: how many normal numbers there are.
    """

    def __init__(self, inputs: Any, hidden: int):
        super().__init__()
        self.inputs = inputs
        self.rows = inputs.rows + hidden

    @property
    def group_index(self) -> Int[Tensor, " instance"]:
        """Which input each instance looks at."""
        return self.inputs.group_index

    def forward(self, words: Int[Tensor, "seed row batch"]) -> Float[Tensor, "group row batch"]:
        """Return the inputs of a step with their noise, of words in [0, 2^32)."""
        x = self.inputs(words[:, : self.inputs.rows])
        own = words if len(words) == 1 else words[self.inputs.seed_index]
        noise = normal((own[:, self.inputs.rows :].to(x.dtype) + 0.5) * 2**-32, 1.0)
        return torch.cat([x, noise.expand(len(x), -1, -1)], 1)

    def cost(self, importance: Tensor, batch: int) -> Tensor:
        """Return what an error counts in the loss."""
        return self.inputs.cost(importance, batch)
