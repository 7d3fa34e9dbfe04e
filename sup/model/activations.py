"""Activation functions of the output, with their slopes, and their application to a stack.

An activation is a module (or any callable) that maps pre-activations ``z [instance, feature,
batch]`` to an array of the same shape. It may mix the features of one sample (SoLU does) and
nothing else: no instance's output may depend on another instance, no sample's on another sample.

One that also has a method ``pullback(z, y, g)`` says how gradients pass through it: given its input
`z`, its output `y` and the loss's gradient `g` by `y`, the gradient by `z`. Written out, it is
compiled together with all else; without it, autograd finds the gradient, several times slower. The
ones here are torch's own derivative kernels, one pass each.

The seven here are the article's. Three of them have a parameter, an axis: a number where it is
single, else a tensor ``[instance, 1, 1]``. Where it has the article's value, the arithmetic is the
plain function's to the last bit. More families are in `sup.model.families`.

One that also has `expressions`, its value and its slope in the words of `sup.model.expressions`, is
trained by kernels: native ones on a CPU, Triton's on a GPU.
"""

from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor, nn

FEATURE_AXIS = -2

Activation = Callable[[Tensor], Tensor]
Stacked = Float[Tensor, "instance feature batch"]

Parameter = int | float | Tensor
"""A number, or a tensor ``[instance, 1, 1]``."""


def is_number(parameter: Parameter, value: int) -> bool:
    """Tell whether a parameter is this one number, and not one for each instance."""
    return not isinstance(parameter, Tensor) and parameter == value


class Linear(nn.Module):
    """``f(z) = z``: the network without a nonlinearity."""

    expressions = ("z", "1")

    def forward(self, z: Stacked) -> Tensor:
        """Return `z` itself."""
        return z

    def pullback(self, z: Stacked, y: Stacked, g: Stacked) -> Tensor:
        """Return g."""
        return g


class ReLU(nn.ReLU):
    """``f(z) = max(z, 0)``."""

    expressions = ("max(z, 0)", "where(z > 0, 1, 0)")

    def pullback(self, z: Stacked, y: Stacked, g: Stacked) -> Tensor:
        """Return g where z > 0, else 0."""
        return torch.ops.aten.threshold_backward(g, z, 0)


class GELU(nn.GELU):
    """``f(z) = z Phi(scale z)``, exact (by erf), or ``approximate``. Hendrycks & Gimpel, 2016.

    The scale is 1 there, over the standard deviation, which they leave open: towards an infinite
    scale it is ReLU, towards 0 ``z / 2``.
    """

    def __init__(self, approximate: str = "none", scale: Parameter = 1.0):
        super().__init__(approximate)
        self.scale = scale

    @property
    def expressions(self) -> tuple[str, str]:
        """Value and slope, of the exact form or of the approximate one."""
        u = "z" if is_number(self.scale, 1) else "(scale * z)"
        if self.approximate == "none":
            slope = f"normal_cdf({u}) + {u} * gauss({u}) * 0.3989422804014327"
            return (f"z * normal_cdf({u})", slope)
        half = f"0.5 * (1 + tanh(0.7978845608028654 * ({u} + 0.044715 * {u} * {u} * {u})))"
        inner = f"(1.5957691216057308 + 0.2140644488 * {u} * {u})"
        return (f"z * {half}", f"{half} * (1 + {u} * (1 - {half}) * {inner})")

    def forward(self, input: Stacked) -> Tensor:
        """Return ``z Phi(scale z)``."""
        if is_number(self.scale, 1):
            return super().forward(input)
        return super().forward(self.scale * input) / self.scale

    def pullback(self, z: Stacked, y: Stacked, g: Stacked) -> Tensor:
        """Return g (Phi(u) + u phi(u)), u = scale z, Phi and phi the normal distribution."""
        u = z if is_number(self.scale, 1) else self.scale * z
        return torch.ops.aten.gelu_backward(g, u, approximate=self.approximate)


class SiLU(nn.SiLU):
    """``f(z) = z s(z)``, s the sigmoid. Elfwing et al., 2017, eq. 5."""

    expressions = ("z * sigmoid(z)", "sigmoid(z) * (1 + z * (exp(-z) * sigmoid(z)))")

    def pullback(self, z: Stacked, y: Stacked, g: Stacked) -> Tensor:
        """Return g (s + y (1 - s))."""
        return torch.ops.aten.silu_backward(g, z)


class Sigmoid(nn.Sigmoid):
    """``f(z) = (1 + 2 epsilon) s(z) - epsilon``, where ``s(z) = 1 / (1 + exp(-z))``.

    Stretched so, onto (-epsilon, 1 + epsilon), it reaches 0 and 1 at finite z: the future work that
    Lad & Kostolansky, 2023, name.
    """

    def __init__(self, epsilon: Parameter = 0.0):
        super().__init__()
        self.epsilon = epsilon

    @property
    def expressions(self) -> tuple[str, str]:
        """Value and slope, of the plain form or of the stretched one."""
        if is_number(self.epsilon, 0):
            return ("sigmoid(z)", "y * (1 - y)")
        width = "(1 + 2 * epsilon)"
        slope = f"{width} * (sigmoid(z) * (1 - sigmoid(z)))"
        return (f"{width} * sigmoid(z) - epsilon", slope)

    def forward(self, input: Stacked) -> Tensor:
        """Return ``(1 + 2 epsilon) s(z) - epsilon``."""
        s = super().forward(input)
        return s if is_number(self.epsilon, 0) else (1 + 2 * self.epsilon) * s - self.epsilon

    def pullback(self, z: Stacked, y: Stacked, g: Stacked) -> Tensor:
        """Return g s (1 - s), times the width."""
        if is_number(self.epsilon, 0):
            return torch.ops.aten.sigmoid_backward(g, y)
        width = 1 + 2 * self.epsilon
        return width * torch.ops.aten.sigmoid_backward(g, (y + self.epsilon) / width)


class Tanh(nn.Tanh):
    """``f(z) = tanh(z)``."""

    expressions = ("tanh(z)", "1 - y * y")

    def pullback(self, z: Stacked, y: Stacked, g: Stacked) -> Tensor:
        """Return g (1 - y^2)."""
        return torch.ops.aten.tanh_backward(g, y)


class SoLU(nn.Module):
    """``f(z) = z softmax(z / temperature)``, over the features of one sample of one instance.

    Elhage et al., "Softmax Linear Units", 2022, where the temperature is 1: towards 0 only the
    largest feature is left, as it is; towards infinity it is ``z / n``.
    """

    def __init__(self, temperature: Parameter = 1.0):
        super().__init__()
        self.temperature = temperature

    def forward(self, z: Stacked) -> Tensor:
        """Return ``z softmax(z / temperature)``, of the shape of `z`."""
        return z * torch.softmax(self._cooled(z), FEATURE_AXIS)

    def pullback(self, z: Stacked, y: Stacked, g: Stacked) -> Tensor:
        """Return s_i (g_i (1 + z_i/T) - sum_j g_j y_j/T), s the softmax: transposed Jacobian."""
        u = self._cooled(z)
        s = torch.softmax(u, FEATURE_AXIS)
        return s * (g * (1 + u) - self._cooled((g * y).sum(FEATURE_AXIS, keepdim=True)))

    def _cooled(self, z: Tensor) -> Tensor:
        return z if is_number(self.temperature, 1) else z / self.temperature


def pullback(activation: Activation, z: Stacked, y: Stacked, g: Stacked) -> Tensor:
    """Pull the gradient `g` by the output back to the input: written out, or by autograd."""
    if hasattr(activation, "pullback"):
        return activation.pullback(z, y, g)  # pyright: ignore[reportFunctionMemberAccess]
    with torch.enable_grad():
        leaf = z.detach().requires_grad_()
        (gradient,) = torch.autograd.grad(activation(leaf), leaf, g)
    return gradient


def has_pullback(activation: Activation) -> bool:
    """Tell whether an activation's gradient is written out; of a stacked one, each of them."""
    if isinstance(activation, StackedActivation):
        return all(has_pullback(one) for one, _ in activation.blocks)
    return hasattr(activation, "pullback")


class StackedActivation:
    """Applies to each instance of a stack its own activation.

    Instances that share one stand together, so each activation sees one contiguous block.

    Args:
        blocks: the activations in the order of their instances, each with the number of instances
            it serves.
    """

    def __init__(self, blocks: list[tuple[Activation, int]]):
        self.blocks = blocks

    def __call__(self, z: Stacked) -> Tensor:
        """Return the outputs ``[instance, feature, batch]``."""
        return self._joined(lambda activation, own: activation(own), z)

    def pullback(self, z: Stacked, y: Stacked, g: Stacked) -> Tensor:
        """Return the gradients by the inputs, each by its own activation."""
        return self._joined(pullback, z, y, g)

    def _joined(self, function: Callable[..., Tensor], *arrays: Stacked) -> Tensor:
        """Call a function with each activation and its own instances of some arrays."""
        if len(self.blocks) == 1:
            return function(self.blocks[0][0], *arrays)
        counts = [count for _, count in self.blocks]
        parts = zip(*(array.split(counts) for array in arrays), strict=True)
        called = zip(self.blocks, parts, strict=True)
        return torch.cat([function(activation, *own) for (activation, _), own in called])
