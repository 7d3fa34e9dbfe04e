"""How trained models do on held-out inputs: the squared error of each feature, and the loss."""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from sup.model.autoencoder import StackedAutoencoder
from sup.model.data import AnyInputs
from sup.model.held_out import INTEGRATED, SAMPLES, Batch, integrated
from sup.model.inputs import Draws, Inputs, Purpose
from sup.model.quadrature import QuadratureInputs
from sup.model.several import BATCHES, several

TOLD = (Inputs, QuadratureInputs)
"""Inputs that are told by the number of features present."""

PLAIN_BATCHES = 256
"""Of plain samples, where inputs cannot be told by the number of features present."""


@dataclass(frozen=True)
class Evaluation:
    """What held-out inputs say of some models, in float64 on the CPU.

    Args:
        squared_error: ``E (x_i - x'_i)^2``, ``[instance, feature]``.
        loss: ``sum_i I_i E (x_i - x'_i)^2``, ``[instance]``.
        loss_error: its standard error ``[instance]``; 0 where no input is sampled.
    """

    squared_error: Tensor
    loss: Tensor
    loss_error: Tensor


@torch.no_grad()
def evaluate(
    models: StackedAutoencoder,
    inputs: AnyInputs,
    importance: Float[Tensor, "instance feature"],
) -> Evaluation:
    """Evaluate models on inputs of no feature, of one and of several; see `sup.model.held_out`.

    Args:
        models: on any device; an Apple GPU has no float64.
        inputs: whose distribution is that of the held-out ones.
        importance: ``I_i``.
    """
    if type(models) is not StackedAutoencoder or not isinstance(inputs, TOLD):
        return evaluate_plainly(models, inputs, importance)
    W, b = models.W.detach(), models.b.detach()
    # Filled row by row: a small tensor kept from each batch would lie between the large ones that
    # are freed, and keep the next batch from taking their place in memory.
    exact, sampled = torch.zeros(2, *b.shape, dtype=torch.float64)
    density, cost = inputs.own_density, importance.cpu().double()
    losses = torch.zeros(BATCHES, len(b), dtype=torch.float64)
    for batch in integrated(W, b, density):
        exact += squared_error(models, batch)
    if b.shape[1] > INTEGRATED:
        for k, batch in enumerate(several(W, density, importance)):
            error = squared_error(models, batch)
            sampled += error / BATCHES
            losses[k] = (cost * error).sum(-1)
    error = exact + sampled
    return Evaluation(error, (cost * error).sum(-1), losses.std(0) / BATCHES**0.5)


def evaluate_plainly(
    models: StackedAutoencoder, inputs: AnyInputs, importance: Float[Tensor, "instance feature"]
) -> Evaluation:
    """Evaluate models on as many plain samples as are fast, of any distribution."""
    cost, device = importance.cpu().double(), models.W.device
    total = torch.zeros_like(cost)
    losses = torch.zeros(PLAIN_BATCHES, len(cost), dtype=torch.float64)
    draws = Draws((0,), (inputs.rows, SAMPLES), device)
    share = torch.full((len(cost), SAMPLES), 1 / SAMPLES).to(models.W)
    for k, words in enumerate(draws.each(Purpose.EVALUATION, range(PLAIN_BATCHES))):
        error = squared_error(models, (inputs(words)[inputs.group_index], share))
        total += error / PLAIN_BATCHES
        losses[k] = (cost * error).sum(-1)
    return Evaluation(total, (cost * total).sum(-1), losses.std(0) / PLAIN_BATCHES**0.5)


def squared_error(models: StackedAutoencoder, batch: Batch) -> Float[Tensor, "instance feature"]:
    """Return what a batch adds to ``E (x_i - x'_i)^2``, in float64 on the CPU."""
    x, chance = batch
    return ((models(x) - models.target(x)).square() * chance[:, None]).sum(-1).cpu().double()
