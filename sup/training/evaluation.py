"""The held-out loss of trained models, with its standard error."""

from collections.abc import Iterator

import torch
from jaxtyping import Float
from torch import Tensor

from sup.model.autoencoder import StackedAutoencoder, reconstruction_loss
from sup.model.held_out import BATCHES, HeldOut
from sup.model.inputs import Inputs
from sup.model.quadrature import QuadratureInputs


@torch.no_grad()
def held_out_loss(
    models: StackedAutoencoder,
    inputs: Inputs | QuadratureInputs,
    importance: Float[Tensor, "instance feature"],
) -> tuple[Float[Tensor, " instance"], Float[Tensor, " instance"]]:
    """Return each instance's held-out loss and its standard error, in float64 on the CPU.

    Args:
        models: on any device; an Apple GPU has no float64.
        inputs: whose distribution is that of the held-out samples.
        importance: ``I_i``.

    Returns:
        The loss, ``sum_i I_i E (x_i - x'_i)^2``, and the standard error of the sample's mean; 0
        where the loss is exact but for quadrature.
    """
    # Filled row by row: a small tensor kept from each batch would lie between the large ones that
    # are freed, and keep the next batch from taking their place in memory.
    losses = torch.empty(BATCHES, len(importance), dtype=torch.float64)
    count = 0
    for x, cost in batches(inputs, importance):
        own = x[inputs.group_index]
        losses[count] = reconstruction_loss(own, models(own), cost).cpu().double()
        count += 1
    found = losses[:count]
    spread = found.std(0) if count > 1 else torch.zeros_like(found[0])
    return found.mean(0), spread / count**0.5


def batches(
    inputs: Inputs | QuadratureInputs, importance: Float[Tensor, "instance feature"]
) -> Iterator[tuple[Float[Tensor, "group feature sample"], Float[Tensor, "instance _ sample"]]]:
    """Yield inputs, with what the squared error of each sample counts for each instance."""
    if isinstance(inputs, QuadratureInputs):
        yield inputs.x, inputs.cost(importance, 1)
        return
    for x, weight in HeldOut(inputs.density):
        yield x, importance[..., None] * weight[inputs.group_index][:, None]
