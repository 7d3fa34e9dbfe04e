"""The toy model, many at once: ``x' = f(W^T W x + b)`` for each instance of a stack."""

from collections.abc import Callable
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from sup.model.activations import Activation, StackedActivation
from sup.model.closed_form import loss_and_gradient


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

    def gradients(self) -> list[Tensor]:
        """Return where the gradients by W and b are written, made where there is nothing yet."""
        for parameter in self.parameters():
            if parameter.grad is None:
                parameter.grad = torch.empty_like(parameter)
        return [parameter.grad for parameter in self.parameters() if parameter.grad is not None]

    def forward(
        self, x: Float[Tensor, "instance feature batch"]
    ) -> Float[Tensor, "instance feature batch"]:
        """Return the reconstruction ``f(W^T W x + b)``."""
        return reconstructed(self.W, self.b, self.activation, x)

    @property
    def own_decoder(self) -> Float[Tensor, "instance rows feature"]:
        """The decoder, where it is not W; else without rows."""
        return self.W[:, :0]

    def target(self, x: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
        """Return what their output is to be: the input."""
        return x

    def losses(
        self,
        x: Float[Tensor, "instance feature batch"],
        cost: Float[Tensor, "instance feature #batch"],
    ) -> Float[Tensor, " instance"]:
        """Return what is minimised, by instance: `reconstruction_loss`."""
        return reconstruction_loss(x, self(x), cost)

    def costs(
        self, importance: Float[Tensor, "instance feature"]
    ) -> Float[Tensor, "instance feature"]:
        """Return what errors cost: importance."""
        return importance

    def noisy(self, inputs: Any) -> Any:
        """Return what they are trained on: inputs as they are."""
        return inputs

    def arguments(self, at: slice) -> tuple[Tensor | None, ...]:
        """Return what `step` takes of some instances."""
        return self.W[at], self.b[at]

    @property
    def step(self) -> Callable[..., tuple[Tensor, ...]]:
        """Returns losses and gradients, by the parameters in their order."""
        return loss_and_gradient


def reconstructed(
    W: Float[Tensor, "instance hidden feature"],
    b: Float[Tensor, "instance feature"],
    activation: Activation,
    x: Float[Tensor, "instance feature batch"],
) -> Float[Tensor, "instance feature batch"]:
    """Return the reconstruction ``f(W^T W x + b)``."""
    return activation(torch.baddbmm(b[..., None], W.mT, torch.bmm(W, x)))


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
