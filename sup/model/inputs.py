"""The input distribution: sparse features made from shared uniform draws.

Everything random is keyed by (purpose, seed, step), so that nothing else decides it: not the other
instances of a stack, not where a run was interrupted. Instances of one seed look at the same
uniforms ``u``; each makes its own input from them by its own density ``p``: ``x = u/p where u < p,
else 0``. Given ``u < p``, ``u/p`` is uniform on [0, 1), so ``x`` has the distribution that the toy
model asks for, and inputs at two densities are paired sample by sample.
"""

from collections.abc import Callable
from enum import IntEnum

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

_MASK = 2**64 - 1


class Purpose(IntEnum):
    """What a random draw is for. Draws for two purposes are independent."""

    INITIAL_WEIGHTS = 0
    TRAINING = 1
    EVALUATION = 2


def _mix(state: int) -> int:
    """Scramble 64 bits so that each bit of the result depends on each bit of `state`.

    The finaliser of splitmix64 (Steele, Lea & Flood, 2014).
    """
    state = (state + 0x9E3779B97F4A7C15) & _MASK
    state = ((state ^ (state >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
    state = ((state ^ (state >> 27)) * 0x94D049BB133111EB) & _MASK
    return state ^ (state >> 31)


def key(purpose: Purpose, seed: int, step: int) -> int:
    """Return the 63-bit key of a draw.

    torch's CPU generator takes the lower 32 bits. Among the 10,000 steps of a run, two share a
    key with a chance of one percent; then one batch is seen twice, which does no harm.
    """
    state = 0
    for part in (purpose, seed, step):
        state = _mix(state ^ part)
    return state >> 1


class Draws:
    """Random numbers for several seeds, made on `device`.

    Args:
        seeds: the distinct seeds; a result's first dimension runs over them.
        shape: the shape of one seed's draw.
        device: where the numbers are made; a CPU and a GPU make different ones.
    """

    def __init__(self, seeds: tuple[int, ...], shape: tuple[int, int], device: torch.device):
        self.seeds = seeds
        self.shape = shape
        self.device = device
        self._generator = torch.Generator(device)

    def uniform(self, purpose: Purpose, step: int) -> Float[Tensor, "seed rows columns"]:
        """Return uniforms on [0, 1)."""
        return self._filled(Tensor.uniform_, purpose, step)

    def normal(self, purpose: Purpose, step: int) -> Float[Tensor, "seed rows columns"]:
        """Return standard normals."""
        return self._filled(Tensor.normal_, purpose, step)

    def _filled(self, fill: Callable[..., Tensor], purpose: Purpose, step: int) -> Tensor:
        draws = torch.empty(len(self.seeds), *self.shape, device=self.device)
        for seed, draw in zip(self.seeds, draws, strict=True):
            fill(draw, generator=self._generator.manual_seed(key(purpose, seed, step)))
        return draws


def independent(
    n_features: int, sparsity: Float[Tensor, "#instance #feature"]
) -> Float[Tensor, "#instance feature"]:
    """Return the probability that each feature is zero, independently of the others.

    Args:
        n_features: n.
        sparsity: one for each instance, or one for each feature.
    """
    return sparsity.expand(-1, n_features)


class Inputs(nn.Module):
    """Makes inputs from uniforms, one for each distinct pair of seed and density.

    Instances that agree in both look at the same input, so a stack has far fewer inputs than
    instances, and each is made once.

    Args:
        seed_index: which seed's draw each input is made from.
        density: ``p = 1 - S`` of each input's features, in (0, 1].
        group_index: which input each instance looks at.
    """

    seed_index: Tensor
    density: Tensor
    group_index: Tensor

    def __init__(
        self,
        seed_index: Int[Tensor, " group"],
        density: Float[Tensor, "group feature"],
        group_index: Int[Tensor, " instance"],
    ):
        super().__init__()
        self.register_buffer("group_index", group_index, persistent=False)
        self.register_buffer("seed_index", seed_index, persistent=False)
        self.register_buffer("density", density, persistent=False)

    def forward(
        self, u: Float[Tensor, "seed feature batch"]
    ) -> Float[Tensor, "group feature batch"]:
        """Return ``x = u/p where u < p, else 0``, in [0, 1], of uniforms on [0, 1)."""
        own = u if len(u) == 1 else u[self.seed_index]
        p = self.density[..., None]
        return torch.where(own < p, own / p, 0.0)

    def cost(
        self, importance: Float[Tensor, "instance feature"], batch: int
    ) -> Float[Tensor, "instance feature 1"]:
        """Return what a squared error counts in the loss: importance over the batch's size."""
        return importance[..., None] / batch
