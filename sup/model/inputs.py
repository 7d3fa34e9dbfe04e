"""The input distribution: sparse features made from shared random words.

Every number is a function of (seed, purpose, step, row, column) alone, so that nothing else decides
it: not the other instances of a stack, not the device, not where a run was interrupted, not how a
batch is shared out. Instances of one seed look at the same 32-bit words; each makes its own input
from them by its own density ``p``: present are the words below ``p 2^32``, and such a word over
``p 2^32`` is uniform on [0, 1). So inputs at two densities are paired sample by sample.
"""

from collections.abc import Iterator
from enum import IntEnum
from math import pi

import torch
from jaxtyping import Float, Float32, Float64, Int
from torch import Tensor, nn

from sup.model.philox import MASK, philox

BLOCK = 2**18
"""Words that are made together: some hundred passes over what still fits the cache."""


class Purpose(IntEnum):
    """What a random draw is for. Draws for two purposes are independent."""

    INITIAL_WEIGHTS = 0
    TRAINING = 1
    EVALUATION = 2
    INITIAL_DECODER = 3


class Draws:
    """Random numbers for several seeds, the same on every device.

    The word of (seed, purpose, step, row, column) is number ``row % 4`` of those that Philox makes
    with the seed as its key and ``(column, row // 4, step, purpose)`` as its counter; the upper
    half of the step stands above the purpose.

    Args:
        seeds: the distinct seeds, in [0, 2^64); a result's dimension "seed" runs over them.
        shape: rows and columns of one seed's draw: features and samples; below 2^32.
        device: where the numbers are made.
    """

    def __init__(self, seeds: tuple[int, ...], shape: tuple[int, int], device: torch.device):
        self.seeds = seeds
        self.shape = shape
        self.device = device
        halves = [(seed & MASK, seed >> 32) for seed in seeds]
        self._key = torch.tensor(halves, device=device)[..., None, None].unbind(1)

    def words(self, purpose: Purpose, step: int) -> Int[Tensor, "seed row column"]:
        """Return uniform words in [0, 2^32), in int64."""
        return self.block(purpose, range(step, step + 1))[0]

    def uniform(self, purpose: Purpose, step: int) -> Float32[Tensor, "seed row column"]:
        """Return uniforms on [0, 1)."""
        return as_uniforms(self.words(purpose, step))

    def normal(self, purpose: Purpose, step: int) -> Float64[Tensor, "seed row column"]:
        """Return standard normals, each of the words of two rows (Box & Muller, 1958)."""
        rows, columns = self.shape
        words = Draws(self.seeds, (2 * rows, columns), self.device).words(purpose, step)
        # Seed by seed: the last bit of torch's logarithms and cosines may depend on where in a
        # tensor a number stands, which must not be on how many seeds there are.
        return torch.stack([_normals(own[0::2], own[1::2]) for own in words])

    def each(self, purpose: Purpose, steps: range) -> Iterator[Int[Tensor, "seed row column"]]:
        """Yield the words of one step after the other, made some steps at a time."""
        rows, columns = self.shape
        together = max(1, BLOCK // (len(self.seeds) * rows * columns))
        for start in range(steps.start, steps.stop, together):
            yield from self.block(purpose, range(start, min(start + together, steps.stop)))

    def block(self, purpose: Purpose, steps: range) -> Int[Tensor, "step seed row column"]:
        """Return the words of several steps at once."""
        rows, columns = self.shape
        column = torch.arange(columns, device=self.device)
        row = torch.arange(-(-rows // 4), device=self.device)[:, None]
        step = torch.arange(steps.start, steps.stop, device=self.device)[:, None, None, None]
        counter = (column, row, step & MASK, (step >> 32) * 256 + int(purpose))
        shape = (len(steps), len(self.seeds), rows, columns)
        result = torch.empty(shape, dtype=torch.int64, device=self.device)
        for number, words in enumerate(philox(counter, self._key)):
            own = result[..., number::4, :]
            own.copy_(words[..., : own.shape[-2], :])
        return result


def as_uniforms(words: Int[Tensor, "*shape"]) -> Float32[Tensor, "*shape"]:
    """Return the upper 24 bits of words as uniforms on [0, 1); float32 holds no more."""
    return (words >> 8).float() * 2**-24


def _normals(
    radius: Int[Tensor, "row column"], angle: Int[Tensor, "row column"]
) -> Float64[Tensor, "row column"]:
    u1, u2 = (radius + 1).double() * 2**-32, angle.double() * 2**-32
    return (-2 * u1.log()).sqrt() * (2 * pi * u2).cos()


def independent(
    n_features: int, sparsity: Float[Tensor, "#instance #feature"]
) -> Float[Tensor, "#instance feature"]:
    """Return the probability that each feature is zero, independently of the others.

    Args:
        n_features: n.
        sparsity: one for each instance, or one for each feature.
    """
    return sparsity.expand(-1, n_features)


def power_law(
    n_features: int,
    sparsity: Float[Tensor, "#instance 1"],
    exponent: Float[Tensor, "#instance 1"],
) -> Float[Tensor, "#instance feature"]:
    """Return the probability that a feature is zero, where its density falls by a power law.

    Feature i = 1..n is present with probability ``(1 - S) / i^exponent``, as words and concepts are
    (Zipf, 1949; Michaud et al., 2023, "The Quantization Model of Neural Scaling").

    Args:
        n_features: n.
        sparsity: S of the first and most frequent feature.
        exponent: of the power law.
    """
    rank = torch.arange(1, n_features + 1).to(exponent)
    return 1 - (1 - sparsity) * rank**-exponent


def lattice(
    density: Float64[Tensor, "group feature"], dtype: torch.dtype
) -> tuple[Int[Tensor, "group feature"], Float[Tensor, "group feature"]]:
    """Return the last word for which a feature is present, and what makes its value of a word.

    Args:
        density: p, in [2^-24, 1], so that a present feature has 256 different values or more.
        dtype: of the values.
    """
    count = (density * 2**32).round()
    # One number less than 1 / count: a word may be rounded up, and x must not exceed 1.
    scale = (1 / count).to(dtype)
    return count.long() - 1, scale.nextafter(torch.zeros_like(scale))


def present_values(
    words: Int[Tensor, "#group feature batch"],
    last: Int[Tensor, "group feature"],
    scale: Float[Tensor, "group feature"],
) -> Float[Tensor, "group feature batch"]:
    """Return ``x = word * scale where word <= last, else 0``, in [0, 1]."""
    value = words.to(scale.dtype) * scale[..., None]
    return torch.where(words <= last[..., None], value, 0.0)


class Inputs(nn.Module):
    """Makes inputs from words, one for each distinct pair of seed and density.

    Instances that agree in both look at the same input, so a stack has far fewer inputs than
    instances, and each is made once.

    Args:
        seed_index: which seed's draw each input is made from.
        density: ``p = 1 - S`` of each input's features, in [2^-24, 1].
        group_index: which input each instance looks at.
        dtype: of the inputs.
    """

    seed_index: Tensor
    density: Tensor
    last: Tensor
    scale: Tensor
    group_index: Tensor

    def __init__(
        self,
        seed_index: Int[Tensor, " group"],
        density: Float64[Tensor, "group feature"],
        group_index: Int[Tensor, " instance"],
        dtype: torch.dtype = torch.float32,
    ):
        super().__init__()
        last, scale = lattice(density, dtype)
        self.register_buffer("group_index", group_index, persistent=False)
        self.register_buffer("seed_index", seed_index, persistent=False)
        self.register_buffer("density", density.to(dtype), persistent=False)
        self.register_buffer("last", last, persistent=False)
        self.register_buffer("scale", scale, persistent=False)

    @property
    def rows(self) -> int:
        """Random words of a sample: one for each feature."""
        return self.density.shape[1]

    @property
    def own_density(self) -> Float[Tensor, "instance feature"]:
        """``p`` of each instance's features."""
        return self.density[self.group_index]

    def forward(
        self, words: Int[Tensor, "seed feature batch"]
    ) -> Float[Tensor, "group feature batch"]:
        """Return the inputs of a step, in [0, 1], of words in [0, 2^32)."""
        own = words if len(words) == 1 else words[self.seed_index]
        return present_values(own, self.last, self.scale)

    def cost(
        self, importance: Float[Tensor, "instance feature"], batch: int
    ) -> Float[Tensor, "instance feature 1"]:
        """Return what a squared error counts in the loss: importance over the batch's size."""
        return importance[..., None] / batch
