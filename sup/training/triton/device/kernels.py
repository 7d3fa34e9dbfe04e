"""The kernels: whole optimizer steps of many models, a program for each; or gradients alone."""

from typing import Any, NamedTuple

import triton.language as tl

from sup.training.triton.device.functions import jit
from sup.training.triton.device.large import large_gradients
from sup.training.triton.device.small import small_gradients


class Models(NamedTuple):
    """Models, with Adam's moments: tensors, for the kernel pointers.

    Args:
        W, mean_W, square_W, gradient_W: ``[model, hidden, feature]``.
        b, mean_b, square_b, gradient_b: ``[model, feature]``.
        importance: over the number of samples, ``[model, feature]``.
        decay: ``[model]``.
        rate_group: which learning rate is the model's, ``[model]``, int64.
        loss: ``[row, all models]``.
        diverged_at: the first step that was not finite, 0 for none, ``[model]``, int64.
    """

    W: Any
    b: Any
    mean_W: Any
    mean_b: Any
    square_W: Any
    square_b: Any
    gradient_W: Any
    gradient_b: Any
    importance: Any
    decay: Any
    rate_group: Any
    loss: Any
    diverged_at: Any


class Update(NamedTuple):
    """Numbers of Adam; see `sup.training.native.call`."""

    share1: Any
    beta2: Any
    share2: Any
    eps: Any


@jit
def moved(value, mean, square, g, rate, decay, mean_bias, square_bias, update):
    """Return Adam's new value and moments. Loshchilov & Hutter, 2019, algorithm 2."""
    mean = mean + update.share1 * (g - mean)
    square = square * update.beta2 + update.share2 * g * g
    size = tl.sqrt_rn(square / square_bias) + update.eps
    value = value * (1.0 - rate * decay) - (rate / mean_bias) * (mean / size)
    return value, mean, square


@jit
def adam(
    value,
    mean,
    square,
    gradient,
    numbers,
    update,
    allowed,
    COUNT: tl.constexpr,
    CHUNK: tl.constexpr,
):
    """Take Adam's step of one of a model's tensors if allowed; return how many are not finite."""
    rate, decay, mean_bias, square_bias = numbers
    wrong = 0
    for start in range(0, COUNT, CHUNK):
        k = start + tl.arange(0, CHUNK)
        mask = k < COUNT
        new_value, new_mean, new_square = moved(
            tl.load(value + k, mask=mask, other=0.0),
            tl.load(mean + k, mask=mask, other=0.0),
            tl.load(square + k, mask=mask, other=0.0),
            tl.load(gradient + k, mask=mask, other=0.0),
            rate,
            decay,
            mean_bias,
            square_bias,
            update,
        )
        tl.store(value + k, new_value, mask=mask & allowed)
        tl.store(mean + k, new_mean, mask=mask & allowed)
        tl.store(square + k, new_square, mask=mask & allowed)
        wrong += tl.sum(tl.where(mask & (new_value - new_value != 0.0), 1, 0), axis=0)
    return wrong


@jit
def gradients(
    models,
    data,
    parameters,
    start,
    model,
    step,
    purpose,
    samples,
    N: tl.constexpr,
    M: tl.constexpr,
    PARAMETERS: tl.constexpr,
    LARGE: tl.constexpr,
    MODE: tl.constexpr,
    BLOCK: tl.constexpr,
    ACTIVATE: tl.constexpr,
):
    """Leave a model's gradients in memory, seen by all threads; return its loss."""
    W, b = models.W + model * M * N, models.b + model * N
    cost = models.importance + model * N
    parameter = parameters + (model - start) * PARAMETERS
    gradient_W, gradient_b = models.gradient_W + model * M * N, models.gradient_b + model * N
    if LARGE:
        loss = large_gradients(
            *(W, b, gradient_W, gradient_b, data, cost, parameter),
            *(model, step, purpose, samples, N, M, MODE, BLOCK, ACTIVATE),
        )
    else:
        loss = small_gradients(
            *(W, b, gradient_W, gradient_b, data, cost, parameter),
            *(model, step, purpose, samples, N, M, MODE, BLOCK, ACTIVATE),
        )
    tl.debug_barrier()
    return loss


@jit(do_not_specialize=["start", "samples"], do_not_specialize_on_alignment=["models", "data"])
def differentiate(
    models,
    data,
    parameters,
    start,
    samples,
    N: tl.constexpr,
    M: tl.constexpr,
    PARAMETERS: tl.constexpr,
    LARGE: tl.constexpr,
    MODE: tl.constexpr,
    BLOCK: tl.constexpr,
    ACTIVATE: tl.constexpr,
):
    """Leave losses and gradients on what is given."""
    model = tl.program_id(0).to(tl.int64) + start
    loss = gradients(
        *(models, data, parameters, start, model, model, 0, samples),
        *(N, M, PARAMETERS, LARGE, MODE, BLOCK, ACTIVATE),
    )
    tl.store(models.loss + model, loss)


@jit(
    # One version, whatever the number of models and where they begin.
    do_not_specialize=["start", "steps", "groups", "all_models", "purpose", "samples"],
    do_not_specialize_on_alignment=["models", "data", "parameters", "numbers", "rows"],
)
def train(
    models,
    data,
    parameters,
    start,
    update,
    numbers,
    rows,
    steps,
    groups,
    all_models,
    purpose,
    samples,
    N: tl.constexpr,
    M: tl.constexpr,
    PARAMETERS: tl.constexpr,
    LARGE: tl.constexpr,
    MODE: tl.constexpr,
    BLOCK: tl.constexpr,
    CHUNK: tl.constexpr,
    ACTIVATE: tl.constexpr,
):
    """Take steps; a model that is not finite any more keeps its last finite weights.

    Args:
        models, data: what is trained, on what.
        parameters: of the activation, ``[model, parameter]``.
        start: the place of the first model.
        update: numbers of Adam.
        numbers: of each step the rates, and the biases of both moments, ``[step, groups + 2]``.
        rows: of each step the row of `loss` and the step's own number, ``[step, 2]``, int64.
        steps: how many.
        groups: of learning rates.
        all_models: in a row of `loss`.
        purpose: of the words.
        samples: in a step.
        N, M, PARAMETERS: features, hidden dimensions, parameters of the activation.
        LARGE: which form.
        MODE: where inputs come from.
        BLOCK: samples that are worked on together.
        CHUNK: numbers that Adam works on together.
        ACTIVATE: returns value and slope; None for SoLU.
    """
    model = tl.program_id(0).to(tl.int64) + start
    decay = tl.load(models.decay + model)
    group = tl.load(models.rate_group + model)
    diverged_at = tl.load(models.diverged_at + model)
    at_W, at_b = model * M * N, model * N
    for number in range(steps):
        row = tl.load(rows + 2 * number)
        step = tl.load(rows + 2 * number + 1)
        own = numbers + number * (groups + 2)
        of_step = (
            tl.load(own + group),
            decay,
            tl.load(own + groups),
            tl.load(own + groups + 1),
        )
        loss = gradients(
            *(models, data, parameters, start, model, step, purpose, samples),
            *(N, M, PARAMETERS, LARGE, MODE, BLOCK, ACTIVATE),
        )
        W = (
            models.W + at_W,
            models.mean_W + at_W,
            models.square_W + at_W,
            models.gradient_W + at_W,
        )
        b = (
            models.b + at_b,
            models.mean_b + at_b,
            models.square_b + at_b,
            models.gradient_b + at_b,
        )
        never = diverged_at < 0  # first all is tried, so that nothing is half written
        wrong = adam(*W, of_step, update, never, M * N, CHUNK)
        wrong += adam(*b, of_step, update, never, N, CHUNK)
        finite = (wrong == 0) & (loss - loss == 0.0)
        allowed = finite & (diverged_at == 0)
        adam(*W, of_step, update, allowed, M * N, CHUNK)
        adam(*b, of_step, update, allowed, N, CHUNK)
        diverged_at = tl.where((diverged_at == 0) & (finite == 0), step + 1, diverged_at)
        at = models.loss + row * all_models + model
        tl.store(at, tl.where(diverged_at == 0, tl.load(at) + loss, float("nan")))
        tl.debug_barrier()
    tl.store(models.diverged_at + model, diverged_at)
