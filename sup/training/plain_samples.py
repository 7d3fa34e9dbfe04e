"""Held-out losses of models or inputs of any kind, by plain samples.

Features that depend on each other cannot be told by how many are present, as `sup.model.held_out`
does, nor is what a hidden activation makes of one integrated.
"""

import torch
from jaxtyping import Float
from torch import Tensor

from sup.model.autoencoder import StackedAutoencoder
from sup.model.drawn import DrawnInputs
from sup.model.held_out import SAMPLES
from sup.model.inputs import Draws, Purpose
from sup.training.evaluation import Evaluation, models_at_once

BATCHES = 256
"""Of samples, independent of each other, so that they tell the standard error of their mean."""


@torch.no_grad()
def evaluate_on_samples(
    models: StackedAutoencoder, inputs: DrawnInputs, importance: Float[Tensor, "instance feature"]
) -> Evaluation:
    """Evaluate models on as many samples as are fast, the same words for all.

    Args:
        models: on any device, of any kind.
        inputs: whose distribution is that of the held-out ones.
        importance: ``I_i``.
    """
    K, m, n = models.W.shape
    cost = importance.cpu().double()
    error = torch.zeros_like(cost)
    losses = torch.zeros(BATCHES, K, dtype=torch.float64)
    draws = Draws((0,), (inputs.rows, SAMPLES), models.W.device)
    # As many samples at a time as keep the arrays of all models within bounds.
    at_once = max(1, SAMPLES * models_at_once(m, n, models.W.itemsize) // K)
    for k, words in enumerate(draws.each(Purpose.EVALUATION, range(BATCHES))):
        of_batch = torch.zeros_like(cost)
        for some in words.split(at_once, -1):
            x = inputs(some)[inputs.group_index]
            squares = (models(x) - models.target(x)).square()
            of_batch += squares.sum(-1).cpu().double() / SAMPLES
        error += of_batch / BATCHES
        losses[k] = (cost * of_batch).sum(-1)
    return Evaluation(error, (cost * error).sum(-1), losses.std(0) / BATCHES**0.5)
