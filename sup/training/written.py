"""What kernels are told of an activation: how it is written, and its parameters."""

from jaxtyping import Float
from torch import Tensor

from sup.model.activations import Activation, SoLU
from sup.model.expressions import expressions_of, numbers_of


def is_solu(activation: Activation) -> bool:
    """Tell whether an activation is SoLU, which kernels write out, as it mixes features."""
    return type(activation) is SoLU


def kernel_parameters(
    activation: Activation, instances: int
) -> Float[Tensor, "instance parameter"] | None:
    """Return what a kernel is told of each instance's activation, in float64; None: it has none.

    Of SoLU that is 1 / temperature.

    Raises:
        ValueError: where a parameter is neither a number nor one for each instance.
    """
    if isinstance(activation, SoLU) and is_solu(activation):
        return numbers_of({"temperature": activation.temperature}, instances).reciprocal()
    expressions = expressions_of(activation)
    return expressions.numbers(instances) if expressions else None


def has_kernel(activation: Activation) -> bool:
    """Tell whether an activation, made for one instance, says how it is written."""
    if expressions_of(activation) is None:
        return is_solu(activation)
    try:
        return kernel_parameters(activation, 1) is not None
    except ValueError:  # numbers that are not one of each instance
        return False
