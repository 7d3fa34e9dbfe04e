"""What all distributions of features have in common: they are decided by random words."""

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float64, Int
from torch import Tensor, nn

WORDS = 2**32

Column = Float64[Tensor, "group 1"]
Words = Int[Tensor, "#group row batch"]
Present = Bool[Tensor, "group feature batch"]
Chosen = Int[Tensor, "group 2 batch"]


@dataclass(frozen=True)
class Blocks:
    """Features that depend on each other stand together, and no others do.

    Args:
        size: features of a block, consecutive ones.
        none: the probability that no feature of a sample is present.
        some: that any is, before samples of none are left out; 1 where they are not.
    """

    size: int
    none: Float64[Tensor, " #group"]
    some: Float64[Tensor, " #group"]

    @classmethod
    def of(cls, size: int, none: Float64[Tensor, " #group"]) -> "Blocks":
        """Describe blocks of which no sample is left out."""
        return cls(size, none, torch.ones_like(none))


class Presence(nn.Module):
    """Decides which features of a sample are present.

    It is made for some inputs at once, of ``n_features``, of ``sparsity`` if it has one, and of its
    own parameters; those that are axes are columns ``[group, 1]`` with a value for each input.

    Args:
        rows: random words that a sample takes.
        density: the probability that each feature is present.
        blocks: which features depend on each other. With them, and with `having`, held-out inputs
            are drawn where features are present, however rare; without them as they come.
    """

    def __init__(
        self,
        rows: int,
        density: Float64[Tensor, "group feature"],
        blocks: Blocks | None = None,
    ):
        super().__init__()
        self.rows = rows
        self.blocks = blocks
        # Not a buffer, which goes to the device of the inputs: an Apple GPU has no float64.
        self.density = density

    def forward(self, words: Words) -> Present:
        """Return which features are present, by words that are uniform in [0, 2^32)."""
        raise NotImplementedError

    def having(self, words: Words, chosen: Chosen) -> Present:
        """Return which features are present, given that two of different blocks are.

        Args:
            words: as `forward` takes them.
            chosen: the two features; or twice the same, and one is present.
        """
        raise NotImplementedError

    def remember(self, **chances: Tensor) -> None:
        """Keep probabilities ``[group, row]`` as words below which they come true."""
        for name, chance in chances.items():
            self.register_buffer(name, (chance * WORDS).round().long(), persistent=False)


def happens(
    words: Int[Tensor, "#group #row batch"], below: Int[Tensor, "group #row"]
) -> Bool[Tensor, "group row batch"]:
    """Tell what comes true, by a word of its own each."""
    return words < below[..., None]


class Independent(Presence):
    """Each feature is present by itself, with its own probability.

    Args:
        sparsity: that it is zero.
    """

    below: Tensor

    def __init__(self, sparsity: Float64[Tensor, "group feature"]):
        super().__init__(sparsity.shape[1], 1 - sparsity, Blocks.of(1, sparsity.prod(-1)))
        self.remember(below=1 - sparsity)

    def forward(self, words: Words) -> Present:
        """Return which features are present; see `Presence`."""
        return happens(words, self.below)

    def having(self, words: Words, chosen: Chosen) -> Present:
        """Return which are where some are; see `Presence`."""
        return self(words).scatter(1, chosen, True)
