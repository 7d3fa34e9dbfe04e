"""How trained models do on held-out inputs: the squared error of each feature, and the loss."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from sup.model.activations import Activation, StackedActivation
from sup.model.autoencoder import StackedAutoencoder, reconstructed
from sup.model.held_out import SAMPLES, Batch, integrated
from sup.model.population import MOST_FEATURES, Population
from sup.model.refined import refined_error
from sup.model.several import BATCHES, several
from sup.model.smoothness import smoothness_of
from sup.training.distinct import Distinct

AT_ONCE = 2**27
"""Bytes of the arrays of those models that are evaluated at a time: of 385 of the default size, of
20 of 200 features. For each such slice the same inputs are drawn again."""

ARRAYS = 8
"""Arrays of a batch ``[instance, feature, sample]`` that live at once."""


@dataclass(frozen=True)
class Evaluation:
    """What held-out inputs say of some models, in float64 on the CPU.

    Args:
        squared_error: ``E (x_i - x'_i)^2``, ``[instance, feature]``.
        loss: ``sum_i I_i E (x_i - x'_i)^2``, ``[instance]``.
        loss_error: its standard error ``[instance]``; where no input is sampled, by what it changed
            when it was integrated by more nodes, which is 0 between kinks that are straight.
    """

    squared_error: Tensor
    loss: Tensor
    loss_error: Tensor


@torch.no_grad()
def evaluate(
    models: StackedAutoencoder,
    density: Float[Tensor, "instance feature"],
    importance: Float[Tensor, "instance feature"],
    made: Callable[[torch.device, torch.dtype], list[Distinct]],
) -> Evaluation:
    """Evaluate models: by integrals where they have few features, else on samples too.

    Args:
        models: on any device.
        density: ``p`` of the held-out inputs.
        importance: ``I_i``.
        made: makes the models' activations, for a device and a precision.
    """
    W, b = models.W.detach(), models.b.detach()
    if b.shape[1] > MOST_FEATURES:
        return sampled(W, b, density, importance, made)
    error, change = integral(W, b, density, made)
    loss, off = ((importance.cpu().double() * each).sum(-1) for each in (error, change))
    return Evaluation(error, loss, off.abs())


def integral(
    W: Float[Tensor, "instance hidden feature"],
    b: Float[Tensor, "instance feature"],
    density: Float[Tensor, "instance feature"],
    made: Callable[[torch.device, torch.dtype], list[Distinct]],
) -> tuple[Float[Tensor, "instance feature"], Float[Tensor, "instance feature"]]:
    """Return ``E (x_i - x'_i)^2`` of models of few features, without samples, and its change.

    The change is that by finer nodes; see `sup.model.refined`.

    On the CPU, as an Apple GPU has no float64. An activation that refuses float64 is called with
    what it was trained with, and all else is float64 still.
    """
    own = W.dtype
    W, b, density = (each.cpu().double() for each in (W, b, density))
    error, change, n = torch.zeros_like(b), torch.zeros_like(b), b.shape[1]
    for activation, places in in_double(made, own, n):
        given = (each[places] for each in (W, b, density))
        error[places], change[places] = refined_error(Population.of(activation, n), *given)
    return error, change


def in_double(
    made: Callable[[torch.device, torch.dtype], list[Distinct]], dtype: torch.dtype, n_features: int
) -> list[Distinct]:
    """Return activations that take float64 on the CPU, whatever they were trained with."""
    cpu = torch.device("cpu")
    pairs = zip(made(cpu, torch.float64), made(cpu, dtype), strict=True)
    return [
        (double if takes_float64(double, n_features) else called_with(trained, dtype), places)
        for (double, places), (trained, _) in pairs
    ]


def takes_float64(activation: Activation, n_features: int) -> bool:
    """Tell whether an activation takes float64, and returns it."""
    z = torch.zeros(1, n_features, 1, dtype=torch.float64)
    try:
        return activation(z).dtype == z.dtype
    except Exception:  # a user's may raise anything
        return False


def called_with(activation: Activation, dtype: torch.dtype) -> Activation:
    """Return an activation of float64 that calls one of another precision."""
    return lambda z: activation(z.to(dtype)).double()


def sampled(
    W: Float[Tensor, "instance hidden feature"],
    b: Float[Tensor, "instance feature"],
    density: Float[Tensor, "instance feature"],
    importance: Float[Tensor, "instance feature"],
    made: Callable[[torch.device, torch.dtype], list[Distinct]],
) -> Evaluation:
    """Evaluate some models at a time on inputs of no feature, of one and of several."""
    error = singles(W, b, density, made)
    # Filled row by row: a small tensor kept from each batch would lie between the large ones that
    # are freed, and keep the next batch from taking their place in memory.
    losses = torch.zeros(BATCHES, len(b), dtype=torch.float64)
    _, m, n = W.shape
    activations = made(W.device, W.dtype)
    for activation, places in in_slices(activations, models_at_once(m, n, W.itemsize)):
        at = places.to(W.device)
        own = (W[at], b[at], activation)
        p, cost = density[at], importance[at]
        for k, batch in enumerate(several(W[at], p, cost)):
            of_batch = squared_error(*own, batch)
            error[places] += of_batch / BATCHES
            losses[k, places] = (cost.cpu().double() * of_batch).sum(-1)
    loss = (importance.cpu().double() * error).sum(-1)
    return Evaluation(error, loss, losses.std(0) / BATCHES**0.5)


def singles(
    W: Float[Tensor, "instance hidden feature"],
    b: Float[Tensor, "instance feature"],
    density: Float[Tensor, "instance feature"],
    made: Callable[[torch.device, torch.dtype], list[Distinct]],
) -> Float[Tensor, "instance feature"]:
    """Return what the inputs of no feature and of one add to ``E (x_i - x'_i)^2``."""
    _, m, n = W.shape
    error = torch.zeros(b.shape, dtype=torch.float64)
    kinds = zip(made(W.device, W.dtype), in_double(made, W.dtype, n), strict=True)
    for (activation, every), (double, _) in kinds:
        smoothness = smoothness_of(double, n)
        # Some at a time: an activation of single numbers takes any of its instances.
        for places in every.split(models_at_once(m, n, W.itemsize)):
            at = places.to(W.device)
            error[places] = integrated(W[at], b[at], density[at], activation, smoothness)
    return error


def models_at_once(m: int, n: int, itemsize: int) -> int:
    """Return how many models of m hidden dimensions and n features are evaluated at a time."""
    return max(1, AT_ONCE // (SAMPLES * (ARRAYS * n + m) * itemsize))


def in_slices(activations: list[Distinct], most: int) -> Iterator[tuple[StackedActivation, Tensor]]:
    """Yield the activations of some instances after the other, and their places in the tensors."""
    kinds = [torch.full_like(places, kind) for kind, (_, places) in enumerate(activations)]
    order = torch.cat([places for _, places in activations])
    for places, kind in zip(order.split(most), torch.cat(kinds).split(most), strict=True):
        distinct, counts = (one.tolist() for one in kind.unique_consecutive(return_counts=True))
        blocks = [(activations[k][0], count) for k, count in zip(distinct, counts, strict=True)]
        yield StackedActivation(blocks), places


def squared_error(
    W: Float[Tensor, "instance hidden feature"],
    b: Float[Tensor, "instance feature"],
    activation: Activation,
    batch: Batch,
) -> Float[Tensor, "instance feature"]:
    """Return what a batch adds to ``E (x_i - x'_i)^2``, in float64 on the CPU."""
    x, chance = batch
    error = reconstructed(W, b, activation, x) - x
    return (error.square() * chance[:, None]).sum(-1).cpu().double()
