"""Loss and gradient of toy models in closed form, for a block of instances of one activation.

With ``h = W x``, ``z = W^T h + b``, ``y = f(z)``, and ``g`` the loss's gradient by ``z``::

    db = sum_B g        dh = W g        dW = h g^T + dh x^T

Autograd does the same arithmetic in twice as many passes over memory. Written out, and with inputs
that instances share multiplied in one larger product, it compiles to a few passes.
"""

from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor

from sup.model.activations import Activation, pullback

SMALL = 8
"""Up to this many weights, a compiled step multiplies matrices element by element: fused with all
else it costs nothing, where a call of the matrix library for each instance would."""

Product = Callable[[Tensor, Tensor], Tensor]


def elementwise_product(
    A: Float[Tensor, "instance row inner"], B: Float[Tensor, "instance inner column"]
) -> Float[Tensor, "instance row column"]:
    """Return the matrix products ``A B``, in a form that a compiler fuses with its neighbours."""
    if A.shape[2] <= SMALL:
        return (A[..., None] * B[:, None]).sum(2)
    return (A[:, :, None] * B.mT[:, None]).sum(-1)


def loss_and_gradient(
    W: Float[Tensor, "instance hidden feature"],
    b: Float[Tensor, "instance feature"],
    x: Float[Tensor, "group feature batch"],
    cost: Float[Tensor, "instance feature #batch"],
    activation: Activation,
    product: Product = torch.bmm,
) -> tuple[
    Float[Tensor, " instance"],
    Float[Tensor, "instance hidden feature"],
    Float[Tensor, "instance feature"],
]:
    """Return each instance's loss, and its gradient by W and by b.

    Args:
        W: weights.
        b: biases.
        x: inputs; each is shared by equally many instances that stand together.
        cost: what each squared error counts; see `sup.model.autoencoder.reconstruction_loss`.
        activation: the activation of all these instances.
        product: multiplies matrices, one pair for each instance.
    """
    (K, m, n), (G, _, B) = W.shape, x.shape
    members = K // G
    h = product(W.reshape(G, members * m, n), x).view(K, m, B)
    z = product(W.mT, h).add_(b[..., None])
    y = activation(z)
    error = (y.view(G, members, n, B) - x[:, None]).view(K, n, B)
    # Half the gradient, which is doubled where it is small: a cost may be as large as z.
    gy = error * cost
    loss = (gy * error).sum((-2, -1))
    gz = pullback(activation, z, y, gy)
    dh = product(W, gz).view(G, members * m, B)
    dW = product(h, gz.mT) + product(dh, x.mT).view(K, m, n)
    return loss, dW.mul_(2), gz.sum(-1).mul_(2)
