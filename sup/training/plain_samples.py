"""Held-out losses of models of any kind, on inputs of any distribution, by samples.

Neither what a hidden activation makes of one feature is integrated, nor is it known which features
a decoder of its own confuses; so what `sup.training.evaluation` does is for plain models alone.
"""

from collections.abc import Iterator

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from sup.model.autoencoder import StackedAutoencoder
from sup.model.drawn import DrawnInputs
from sup.model.held_out import SAMPLES, Batch
from sup.model.inputs import Draws, Purpose
from sup.model.proposals import OWN_WORDS, Proposals
from sup.training.evaluation import Evaluation, models_at_once

BATCHES = 256
"""Of samples, independent of each other, so that they tell the standard error of their mean."""

SEEN = 400
"""Times that a feature is to be present in plain samples: its error is then within some 10%."""


@torch.no_grad()
def evaluate_on_samples(
    models: StackedAutoencoder, inputs: DrawnInputs, importance: Float[Tensor, "instance feature"]
) -> Evaluation:
    """Evaluate models on as many samples as are fast, the same words for all.

    Args:
        models: on any device, of any kind.
        inputs: the held-out ones.
        importance: ``I_i``.
    """
    K, m, n = models.W.shape
    cost, index = importance.cpu().double(), inputs.group_index
    fixed = squared_error(models, *of_none(inputs, K))
    error = fixed.clone()
    losses = torch.zeros(BATCHES, K, dtype=torch.float64)
    # As many samples at a time as keep the arrays of all models within bounds.
    at_once = max(1, SAMPLES * models_at_once(m, n, models.W.itemsize) // K)
    for k, batch in enumerate(batches(inputs, at_once)):
        of_batch = torch.zeros_like(cost)
        for x, chance in batch:
            of_batch += squared_error(models, x[index], chance[index])
        error += of_batch / BATCHES
        losses[k] = (cost * of_batch).sum(-1)
    return Evaluation(error, (cost * error).sum(-1), losses.std(0) / BATCHES**0.5)


def squared_error(
    models: StackedAutoencoder,
    x: Float[Tensor, "instance feature sample"],
    chance: Float[Tensor, "instance sample"],
) -> Float[Tensor, "instance feature"]:
    """Return what inputs add to the squared error of what each output is to be."""
    squares = (models(x) - models.target(x)).square()
    return (squares * chance[:, None]).sum(-1).cpu().double()


def of_none(inputs: DrawnInputs, count: int) -> Batch:
    """Return the input without features, once for each model, and its probability."""
    n, blocks = inputs.presence.density.shape[-1], inputs.presence.blocks
    zeros = torch.zeros(count, n, 1, dtype=inputs.dtype, device=inputs.group_index.device)
    if blocks is None:  # among all others
        return zeros, zeros[:, 0]
    none = blocks.none.to(zeros).expand(len(inputs.seed_index))
    return zeros, none[inputs.group_index, None]


def batches(inputs: DrawnInputs, at_once: int) -> Iterator[Iterator[Batch]]:
    """Yield `BATCHES` batches of inputs, each some samples at a time."""
    is_proposed = inputs.presence.blocks is not None
    rows = inputs.rows + OWN_WORDS * is_proposed
    draws = Draws((0,), (rows, SAMPLES), inputs.group_index.device)
    proposals = Proposals(inputs) if is_proposed else None
    for words in draws.each(Purpose.EVALUATION, range(BATCHES)):
        yield proposals.batch(words, at_once) if proposals else as_they_come(inputs, words, at_once)


def as_they_come(inputs: DrawnInputs, words: Tensor, at_once: int) -> Iterator[Batch]:
    """Yield plain samples, some at a time; all count the same."""
    for some in words.split(at_once, -1):
        x = inputs(some)
        yield x, torch.full_like(x[:, 0], 1 / words.shape[-1])


def unseen(inputs: DrawnInputs) -> Bool[Tensor, "instance feature"]:
    """Tell which features of each instance are too rare for samples as they come."""
    density = inputs.presence.density.cpu()
    rare = density * (BATCHES * SAMPLES) < SEEN
    rare &= inputs.presence.blocks is None
    return rare.expand(len(inputs.seed_index), -1)[inputs.group_index.cpu()]
