"""The inputs of a model's step, in a kernel: drawn there, or read from memory."""

from typing import Any, NamedTuple

import triton.language as tl

from sup.training.triton.device.functions import jit

DRAWN, GIVEN, NODES = 0, 1, 2
"""Where inputs come from: words that the kernel draws, words in memory, nodes of a quadrature."""


class Data(NamedTuple):
    """What inputs are made of: tensors, for the kernel pointers.

    Args:
        key: the lower and the upper half of each seed, ``[seed, 2]``, int64.
        seed: which of the seeds is the model's, ``[model]``, int64.
        input: which of the inputs, ``[model]``, int64.
        last: the last word for which a feature is present, ``[input, feature]``, int64.
        scale: what makes its value of a word, ``[input, feature]``.
        given: words ``[seed, feature, sample]``, int64, or nodes ``[feature, sample]``.
        probability: of the nodes, ``[model, sample]``.
    """

    key: Any
    seed: Any
    input: Any
    last: Any
    scale: Any
    given: Any
    probability: Any


@jit
def of_words(word, last, scale):
    """Return what words stand for, as `sup.model.inputs.present_values` does."""
    return tl.where(word <= last.to(tl.uint32), word.to(tl.float32) * scale, 0.0)


@jit
def four_words(data, model, step, purpose, quad, column):
    """Return the words of four features, as `sup.model.inputs.Draws` does.

    Args:
        data: with the seed's key.
        model: whose seed it is.
        step: in int64.
        purpose: of the words.
        quad: the number of the first feature, over four.
        column: the samples' numbers; of a shape to which `quad` spreads.
    """
    seed = tl.load(data.seed + model)
    low = tl.load(data.key + 2 * seed).to(tl.uint32)
    high = tl.load(data.key + 2 * seed + 1).to(tl.uint32)
    zero = (column * 0).to(tl.uint32)
    c0, c1 = column.to(tl.uint32), zero + quad.to(tl.uint32)
    c2 = zero + (step & 0xFFFFFFFF).to(tl.uint32)
    c3 = zero + ((step >> 32) * 256 + purpose).to(tl.uint32)
    return tl.philox_impl(c0, c1, c2, c3, low, high)


@jit
def given_values(data, model, feature, column, mask, samples, N: tl.constexpr, MODE: tl.constexpr):
    """Return inputs that are made of what is in memory; `feature` and `column` spread."""
    if MODE == 2:
        x = tl.load(data.given + feature * samples + column, mask=mask, other=0.0)
    else:
        row = tl.load(data.seed + model) * N + feature
        word = tl.load(data.given + row * samples + column, mask=mask, other=0).to(tl.uint32)
        at = tl.load(data.input + model) * N + feature
        known = feature < N
        last = tl.load(data.last + at, mask=known, other=0)
        x = of_words(word, last, tl.load(data.scale + at, mask=known, other=0.0))
    return x


@jit
def sample_share(data, model, column, mask, samples, MODE: tl.constexpr):
    """Return what each sample counts: 1, or a node's probability."""
    if MODE == 2:
        share = tl.load(data.probability + model * samples + column, mask=mask, other=0.0)
    else:
        share = tl.where(mask, 1.0, 0.0)
    return share
