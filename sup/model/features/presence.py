"""What all distributions of features have in common: they are decided by random words."""

from jaxtyping import Bool, Float64, Int
from torch import Tensor, nn

WORDS = 2**32

Column = Float64[Tensor, "group 1"]
Words = Int[Tensor, "#group row batch"]


class Presence(nn.Module):
    """Decides which features of a sample are present.

    It is made for some inputs at once, of ``n_features``, of ``sparsity`` if it has one, and of its
    own parameters; those that are axes are columns ``[group, 1]`` with a value for each input.

    Args:
        rows: random words that a sample takes.
        density: the probability that each feature is present.
    """

    density: Tensor

    def __init__(self, rows: int, density: Float64[Tensor, "group feature"]):
        super().__init__()
        self.rows = rows
        self.register_buffer("density", density, persistent=False)

    def forward(self, words: Words) -> Bool[Tensor, "group feature batch"]:
        """Return which features are present, by words that are uniform in [0, 2^32)."""
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
        super().__init__(sparsity.shape[1], 1 - sparsity)
        self.remember(below=1 - sparsity)

    def forward(self, words: Words) -> Bool[Tensor, "group feature batch"]:
        """Return which features are present; see `Presence`."""
        return happens(words, self.below)
