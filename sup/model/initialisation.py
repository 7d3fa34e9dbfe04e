"""The initial weights: a standard deviation for each instance, or the weights themselves.

A parameter is a column ``[instance, 1]`` with a value for each instance. Each instance is
initialised as if it were alone: Xavier over the three-dimensional stacked tensor would depend on
how many instances are stacked.
"""

from jaxtyping import Float, Float64
from torch import Tensor

from sup.model.weights import Weights, read_weights


def xavier(
    n_features: int, n_hidden: int, gain: Float[Tensor, "instance 1"]
) -> Float[Tensor, "instance 1"]:
    """``gain * sqrt(2 / (n + m))``. Glorot & Bengio, 2010, eq. 12, for a normal distribution."""
    return gain * (2 / (n_features + n_hidden)) ** 0.5


def normal(
    n_features: int, n_hidden: int, std: Float[Tensor, "instance 1"]
) -> Float[Tensor, "instance 1"]:
    """Return the given standard deviation, whatever the shape of the weights."""
    return std


def given(n_features: int, n_hidden: int, path: str, layout: str | None) -> Weights:
    """Return the weights of a file, of one model or of several, with biases, and a decoder if any.

    Args:
        n_features: n.
        n_hidden: m.
        path: of a file, see `sup.model.weights.read_weights`.
        layout: its last two dimensions, where they could be either.

    Raises:
        SettingError: where it cannot be read, or holds weights of another size, or a decoder.
    """
    return read_weights(path, layout, n_features, n_hidden)


def initial_weights(
    draws: Float64[Tensor, "instance hidden feature"], std: Float[Tensor, "instance 1"]
) -> Float64[Tensor, "instance hidden feature"]:
    """Scale standard normal draws to each instance's standard deviation, in float64."""
    return draws * std[..., None]
