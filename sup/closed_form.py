"""Loss and gradient of toy models in closed form, for a block of instances of one activation.

With ``h = W x``, ``z = W^T h + b``, ``y = f(z)``, and ``g`` the loss's gradient by ``z``::

    db = sum_B g        dh = W g        dW = h g^T + dh x^T

Autograd does the same arithmetic in twice as many passes over memory. Written out, and with inputs
that instances share multiplied in one larger product, it compiles to a few passes.
"""

import torch
from jaxtyping import Float
from torch import Tensor

from sup.activations import Activation, pullback


def loss_and_gradient(
    W: Float[Tensor, "instance hidden feature"],
    b: Float[Tensor, "instance feature"],
    x: Float[Tensor, "group feature batch"],
    importance: Float[Tensor, "instance feature"],
    activation: Activation,
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
        importance: ``I_i`` of each instance.
        activation: the activation of all these instances.
    """
    (K, m, n), (G, _, B) = W.shape, x.shape
    members = K // G
    h = torch.bmm(W.reshape(G, members * m, n), x).view(K, m, B)
    z = torch.baddbmm(b[..., None], W.mT, h)
    y = activation(z)
    error = (y.view(G, members, n, B) - x[:, None]).view(K, n, B)
    weighted = error * importance[..., None]
    loss = (weighted * error).sum((-2, -1)) / B
    gz = pullback(activation, z, y, weighted * (2 / B))
    dh = torch.bmm(W, gz).view(G, members * m, B)
    dW = torch.bmm(h, gz.mT) + torch.bmm(dh, x.mT).view(K, m, n)
    return loss, dW, gz.sum(-1)
