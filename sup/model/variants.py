"""Models with a decoder, a hidden activation, noise or a loss of their own, and their gradient.

With ``h = g(W x) + noise``, D the decoder (W where it is tied), ``z = D^T h + b`` and ``y = f(z)``,
and gz the loss's gradient by z::

    dD = h gz^T        dh = D gz + l1 sign(g(W x))        dW = g'(dh) x^T (+ dD where D is W)

Noise reaches a model as further rows of its input, below the features, and what its hidden
dimensions cost as a further row of what errors cost: so nothing that trains models knows of it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from sup.model.activations import Activation, StackedActivation, pullback
from sup.model.autoencoder import StackedAutoencoder
from sup.model.closed_form import Product
from sup.model.noise import NoisyInputs
from sup.model.structure import Tied, Untied, is_noisy
from sup.model.tasks import target_of

SHORTEST = 1e-12
"""Norm up to which a direction is scaled as if it had that, as torch's own `normalize` does: in
float32 the norm of a shorter one may come to 0."""


class Variant(StackedAutoencoder):
    """Many toy models that differ from the plain one.

    Args:
        W: initial weights ``[instance, hidden, feature]``.
        decoder: those of the decoder, if it has its own.
        activation: of the outputs.
        hidden: of the hidden dimensions.
        structure: what they are made of; its numbers are of all, or ``[instance]``.
    """

    noise: Tensor
    l1: Tensor

    def __init__(
        self,
        W: Float[Tensor, "instance hidden feature"],
        decoder: Float[Tensor, "instance hidden feature"] | None,
        activation: StackedActivation,
        hidden: Activation,
        structure: Tied,
    ):
        super().__init__(W, activation)
        self.pieces = Pieces(
            hidden,
            target_of(structure.task),
            structure.bias,
            structure.exponent,
            isinstance(structure, Untied) and structure.unit_norm,
        )
        self.is_noisy = is_noisy(structure)
        self.D = None if decoder is None else nn.Parameter(decoder.clone())
        for name in ("noise", "l1"):
            numbers = torch.as_tensor(getattr(structure, name)).to(W).expand(len(W))
            self.register_buffer(name, numbers.clone(), persistent=False)

    @property
    def decoder(self) -> Float[Tensor, "instance hidden feature"]:
        """The decoder, as it is applied."""
        return self.W if self.D is None else self.pieces.scaled(self.D)

    @property
    def own_decoder(self) -> Float[Tensor, "instance rows feature"]:
        """The decoder as it is applied, where it is not W; else without rows."""
        return super().own_decoder if self.D is None else self.decoder

    def forward(
        self, x: Float[Tensor, "instance feature batch"]
    ) -> Float[Tensor, "instance feature batch"]:
        """Return what they make of inputs, without noise."""
        h = self.pieces.hidden(torch.bmm(self.W, x))
        return self.activation(torch.baddbmm(self.b[..., None], self.decoder.mT, h))

    def target(self, x: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
        """Return what their output is to be."""
        return self.pieces.target(x)

    def losses(
        self,
        x: Float[Tensor, "instance row batch"],
        cost: Float[Tensor, "instance cost #batch"],
    ) -> Float[Tensor, " instance"]:
        """Return what is minimised, of inputs with their noise; see `StackedAutoencoder.losses`."""
        n = self.W.shape[2]
        h = self.pieces.hidden(torch.bmm(self.W, x[:, :n]))
        spread = (h.abs() * cost[:, n:]).sum((-2, -1))
        if x.shape[1] > n:
            h = h + self.noise[:, None, None] * x[:, n:]
        b = self.b if self.pieces.bias else 0 * self.b  # whose gradient is 0, and there
        y = self.activation(torch.baddbmm(b[..., None], self.decoder.mT, h))
        error = (y - self.target(x[:, :n])).abs() ** self.pieces.exponent
        return (error * cost[:, :n]).sum((-2, -1)) + spread

    def costs(
        self, importance: Float[Tensor, "instance feature"]
    ) -> Float[Tensor, "instance cost"]:
        """Return what errors cost, and below it what the hidden dimensions do."""
        return torch.cat([importance, self.l1[:, None]], 1)

    def noisy(self, inputs: Any) -> Any:
        """Return inputs with noise below their features, if any of the models has noise."""
        return NoisyInputs(inputs, self.W.shape[1]) if self.is_noisy else inputs

    def arguments(self, at: slice) -> tuple[Tensor | None, ...]:
        """Return what `step` takes of some instances."""
        return self.W[at], self.b[at], self.noise[at], None if self.D is None else self.D[at]

    @property
    def step(self) -> Callable[..., tuple[Tensor, ...]]:
        """Returns losses and gradients; see `Pieces.loss_and_gradient`."""
        return self.pieces.loss_and_gradient


@dataclass(frozen=True)
class Pieces:
    """What all models of a stack have in common that are no plain ones.

    Args:
        hidden: g.
        target: what the output is to be.
        bias: whether b is learned.
        exponent: of the loss.
        unit_norm: whether the decoder's directions are scaled to norm 1.
    """

    hidden: Activation
    target: Callable[[Tensor], Tensor]
    bias: bool
    exponent: float | int
    unit_norm: bool

    def scaled(self, D: Float[Tensor, "instance hidden feature"]) -> Tensor:
        """Return a decoder as it is applied."""
        return D / norms(D).clamp_min(SHORTEST) if self.unit_norm else D

    def loss_and_gradient(
        self,
        W: Float[Tensor, "instance hidden feature"],
        b: Float[Tensor, "instance feature"],
        noise: Float[Tensor, " instance"],
        D: Float[Tensor, "instance hidden feature"] | None,
        x: Float[Tensor, "group row batch"],
        cost: Float[Tensor, "instance cost #batch"],
        activation: Activation,
        product: Product = torch.bmm,
    ) -> tuple[Tensor, ...]:
        """Return each instance's loss, and its gradient by W, by b, and by D if there is one.

        Args:
            W, b: weights and biases.
            noise: standard deviation of the noise.
            D: the decoder; None: it is W.
            x: inputs, and noise below them; shared as in `sup.model.closed_form`.
            cost: what errors cost, and below that what the hidden dimensions do.
            activation: of the outputs of all these instances.
            product: multiplies matrices, one pair for each instance.
        """
        (K, m, n), (G, rows, B) = W.shape, x.shape
        members, features = K // G, x[:, :n]
        pre = product(W.reshape(G, members * m, n), features).view(K, m, B)
        clean = h = self.hidden(pre)
        if rows > n:
            h = clean + (noise.view(G, members, 1, 1) * x[:, None, n:]).view(K, m, B)
        decoder = W if D is None else self.scaled(D)
        z = product(decoder.mT, h) + b[..., None]
        y = activation(z)
        error = (y.view(G, members, n, B) - self.target(features)[:, None]).view(K, n, B)
        # Half the gradient, which is doubled where it is small, as in the plain closed form.
        gy = self.exponent / 2 * error.sign() * error.abs() ** (self.exponent - 1) * cost[:, :n]
        loss = 2 / self.exponent * (gy * error).sum((-2, -1))
        loss = loss + (clean.abs() * cost[:, n:]).sum((-2, -1))
        gz = pullback(activation, z, y, gy)
        dh = product(decoder, gz) + clean.sign() * cost[:, n:] / 2
        back = pullback(self.hidden, pre, clean, dh).view(G, members * m, B)
        dW, dD = product(back, features.mT).view(K, m, n), product(h, gz.mT)
        db = gz.sum(-1) if self.bias else torch.zeros_like(b)
        if D is None:
            return loss, (dW + dD) * 2, db * 2
        return loss, dW * 2, db * 2, self.by_unscaled(D, dD) * 2

    def by_unscaled(
        self,
        D: Float[Tensor, "instance hidden feature"],
        by_scaled: Float[Tensor, "instance hidden feature"],
    ) -> Tensor:
        """Return the gradient by a decoder, of that by what is applied of it."""
        if not self.unit_norm:
            return by_scaled
        own = norms(D)
        norm = own.clamp_min(SHORTEST)
        along = (D / norm * by_scaled).sum(1, keepdim=True).where(own >= SHORTEST, 0)
        return (by_scaled - D / norm * along) / norm


def norms(D: Float[Tensor, "instance hidden feature"]) -> Float[Tensor, "instance 1 feature"]:
    """Return the norm of each feature's direction."""
    return D.norm(dim=1, keepdim=True)
