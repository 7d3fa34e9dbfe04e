"""The toy model, many at once: ``x' = f(W^T W x + b)`` for each instance of a stack."""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from sup.model.activations import StackedActivation


class StackedAutoencoder(nn.Module):
    """Many toy models in one pair of tensors; a single model is a stack of one.

    Elhage et al., "Toy Models of Superposition", 2022, "ReLU output model", with the ReLU replaced
    by each instance's own activation.

    Args:
        W: initial weights ``[instance, hidden, feature]``; column ``W[k, :, i]`` is the direction
            of feature i in instance k.
        activation: applied to the outputs.
    """

    def __init__(
        self, W: Float[Tensor, "instance hidden feature"], activation: StackedActivation
    ) -> None:
        super().__init__()
        self.W = nn.Parameter(W.clone())
        self.b = nn.Parameter(torch.zeros(W.shape[0], W.shape[2], dtype=W.dtype, device=W.device))
        self.activation = activation

    def gradients(self) -> tuple[Tensor, Tensor]:
        """Return where the gradients by W and b are written, made where there is nothing yet."""
        W, b = self.W, self.b
        W.grad = by_W = torch.empty_like(W) if W.grad is None else W.grad
        b.grad = by_b = torch.empty_like(b) if b.grad is None else b.grad
        return by_W, by_b

    def forward(
        self, x: Float[Tensor, "instance feature batch"]
    ) -> Float[Tensor, "instance feature batch"]:
        """Return the reconstruction ``f(W^T W x + b)``."""
        h = torch.bmm(self.W, x)
        z = torch.baddbmm(self.b[..., None], self.W.mT, h)
        return self.activation(z)


def reconstruction_loss(
    x: Float[Tensor, "instance feature batch"],
    reconstruction: Float[Tensor, "instance feature batch"],
    cost: Float[Tensor, "instance feature #batch"],
) -> Float[Tensor, " instance"]:
    """Return ``L = sum_i I_i * mean over samples of (x_i - x'_i)^2`` for each instance.

    Args:
        x: inputs.
        reconstruction: outputs.
        cost: what each squared error counts: ``I_i`` over the number of samples, or times a
            sample's probability.
    """
    return ((reconstruction - x).square() * cost).sum((-2, -1))
