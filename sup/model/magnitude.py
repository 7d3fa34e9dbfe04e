"""How large a feature is where it is present: a function of a number that is uniform on (0, 1].

A parameter is a column ``[group, 1, 1]`` with a value for each input. A value that may be negative
makes a signed feature; one that is 0 cannot be told from absence.
"""

import torch
from jaxtyping import Float
from torch import Tensor

Uniforms = Float[Tensor, "#group feature batch"]
Parameter = float | int | Float[Tensor, "#group 1 1"]


def unit(u: Uniforms) -> Tensor:
    """Return the numbers as they are, uniform on [0, 1]."""
    return u


def uniform(u: Uniforms, low: Parameter, high: Parameter) -> Tensor:
    """Return values that are uniform on [low, high]."""
    return low + (high - low) * u


def fixed(u: Uniforms, value: Parameter) -> Tensor:
    """Return the same value always: features are binary."""
    return torch.zeros_like(u) + value


def half_normal(u: Uniforms, scale: Parameter) -> Tensor:
    """Return the sizes of normal numbers with standard deviation `scale`."""
    return scale * -torch.special.ndtri(u / 2)


def normal(u: Uniforms, scale: Parameter) -> Tensor:
    """Return normal numbers with mean 0 and standard deviation `scale`."""
    return scale * torch.special.ndtri(u.clamp_max(1 - 2**-24))


def exponential(u: Uniforms, scale: Parameter) -> Tensor:
    """Return exponential numbers of mean `scale`."""
    return scale * -u.log()
