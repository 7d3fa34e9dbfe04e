"""Loss and gradient of a larger model in a kernel: blocks of samples, features in tiles.

x, z and what comes of them are made anew for each pass over the features, of which no block fits
the registers; h and its gradient, of few dimensions, stay there. A product is a `tl.dot` in
float32 throughout.
"""

import triton.language as tl

from sup.training.triton.device.functions import exp_to_88, jit, maximum
from sup.training.triton.device.inputs import four_words, given_values, of_words, sample_share

TILE = tl.constexpr(32)
"""Features that are worked on together."""


@jit
def features_of(
    data, model, step, purpose, i, column, mask, samples, N: tl.constexpr, MODE: tl.constexpr
):
    """Return x of the features of a tile, ``[sample, feature]``; i are their numbers."""
    if MODE == 0:
        quad = tl.min(i, axis=0) // 4 + tl.arange(0, TILE // 4)
        spread = column[:, None] + tl.zeros_like(quad)[None, :]
        w0, w1, w2, w3 = four_words(data, model, step, purpose, quad[None, :], spread)
        words = tl.join(tl.join(w0, w2), tl.join(w1, w3))
        word = tl.reshape(words, (column.shape[0], TILE))
        at = tl.load(data.input + model) * N + i
        last = tl.load(data.last + at, mask=i < N, other=0)
        scale = tl.load(data.scale + at, mask=i < N, other=0.0)
        x = of_words(word, last[None, :], scale[None, :])
    else:
        here = mask[:, None] & (i < N)[None, :]
        x = given_values(data, model, i[None, :], column[:, None], here, samples, N, MODE)
    return x


@jit
def below(a):
    """Return e^a of any a up to 0, which is 0 below -87."""
    return exp_to_88(maximum(a, -88.0))


@jit
def product(a, b):
    """Return the matrix product, in float32 throughout."""
    return tl.dot(a, b, input_precision="ieee")


@jit
def rows_of(W, i, N: tl.constexpr, M: tl.constexpr, PADDED: tl.constexpr):
    """Return W of a tile of features, ``[feature, hidden]``, with zeros."""
    j = tl.arange(0, PADDED)
    mask = (i < N)[:, None] & (j < M)[None, :]
    return tl.load(W + j[None, :] * N + i[:, None], mask=mask, other=0.0)


@jit
def output(h, own, b, i, N: tl.constexpr):
    """Return z of a tile of features, ``[sample, feature]``."""
    return product(h, tl.trans(own)) + tl.load(b + i, mask=i < N, other=0.0)[None, :]


@jit
def pulled_back(z, x, doubled, mask, parameter, softmax, ACTIVATE: tl.constexpr):
    """Return the loss's gradient by z of a tile, and what its errors cost.

    Args:
        z, x: pre-activations and inputs, ``[sample, feature]``.
        doubled: twice what an error costs.
        mask: which are samples and features.
        parameter: where the activation's parameters are.
        softmax: of SoLU, over all features: the largest z, the total of the exponentials, and the
            sum of gradients times outputs, over T.
        ACTIVATE: returns value and slope; None for SoLU.
    """
    if ACTIVATE is None:
        most, total, dot = softmax
        inverse = tl.load(parameter)
        part = below((z - most[:, None]) * inverse) / total[:, None]
        error = tl.where(mask, z * part - x, 0.0)
        by_y = doubled * error
        g = tl.where(mask, part * (by_y * (z * inverse + 1.0) - dot[:, None]), 0.0)
    else:
        y, slope = ACTIVATE(z, parameter)
        error = tl.where(mask, y - x, 0.0)
        by_y = doubled * error
        g = tl.where(mask, by_y * slope, 0.0)
    return g, by_y * error


@jit
def softmax_of(
    W, b, h, data, cost, share, parameter, words, samples, column, mask,
    N: tl.constexpr, M: tl.constexpr, PADDED: tl.constexpr, MODE: tl.constexpr,
):  # fmt: skip
    """Return what SoLU needs of all features of each sample; see `pulled_back`."""
    model, step, purpose = words
    inverse = tl.load(parameter)
    most = tl.full((column.shape[0],), -1e30, tl.float32)
    total = tl.zeros((column.shape[0],), tl.float32)
    for start in range(0, N, TILE):
        i = start + tl.arange(0, TILE)
        z = output(h, rows_of(W, i, N, M, PADDED), b, i, N)
        z = tl.where((i < N)[None, :], z, -1e30)
        larger = maximum(most, tl.max(z, axis=1))
        total = total * below((most - larger) * inverse)
        total += tl.sum(below((z - larger[:, None]) * inverse), axis=1)
        most = larger
    dot = tl.zeros((column.shape[0],), tl.float32)
    for start in range(0, N, TILE):
        i = start + tl.arange(0, TILE)
        x = features_of(data, model, step, purpose, i, column, mask, samples, N, MODE)
        z = output(h, rows_of(W, i, N, M, PADDED), b, i, N)
        y = z * (below((z - most[:, None]) * inverse) / total[:, None])
        doubled = 2.0 * tl.load(cost + i, mask=i < N, other=0.0)[None, :] * share
        dot += tl.sum(tl.where(mask[:, None], doubled * (y - x) * (y * inverse), 0.0), axis=1)
    return most, total, dot


@jit
def tile_of(
    W, b, h, data, cost, share, parameter, softmax, words, samples, i, column, mask,
    N: tl.constexpr, M: tl.constexpr, PADDED: tl.constexpr, MODE: tl.constexpr,
    ACTIVATE: tl.constexpr,
):  # fmt: skip
    """Return x, W, the loss's gradient by z and what the errors cost, of a tile of features."""
    model, step, purpose = words
    x = features_of(data, model, step, purpose, i, column, mask, samples, N, MODE)
    own = rows_of(W, i, N, M, PADDED)
    doubled = 2.0 * tl.load(cost + i, mask=i < N, other=0.0)[None, :] * share
    here = mask[:, None] & (i < N)[None, :]
    z = output(h, own, b, i, N)
    g, spent = pulled_back(z, x, doubled, here, parameter, softmax, ACTIVATE)
    return tl.where(here, x, 0.0), own, g, spent


@jit
def large_gradients(
    W,
    b,
    gradient_W,
    gradient_b,
    data,
    cost,
    parameter,
    model,
    step,
    purpose,
    samples,
    N: tl.constexpr,
    M: tl.constexpr,
    MODE: tl.constexpr,
    BLOCK: tl.constexpr,
    ACTIVATE: tl.constexpr,
):
    """Write a model's gradients to memory; return its loss. As `small.small_gradients`."""
    PADDED: tl.constexpr = max(16, 2 ** ((M - 1).bit_length()))
    j = tl.arange(0, PADDED)
    loss = 0.0
    for start in range(0, samples, BLOCK):
        column = start + tl.arange(0, BLOCK)
        mask = column < samples
        share = sample_share(data, model, column, mask, samples, MODE)[:, None]
        h = tl.zeros((BLOCK, PADDED), tl.float32)
        for first_of_tile in range(0, N, TILE):
            i = first_of_tile + tl.arange(0, TILE)
            x = features_of(data, model, step, purpose, i, column, mask, samples, N, MODE)
            h += product(x, rows_of(W, i, N, M, PADDED))
        softmax = (0.0, 0.0, 0.0)
        if ACTIVATE is None:
            softmax = softmax_of(
                *(W, b, h, data, cost, share, parameter, (model, step, purpose), samples),
                *(column, mask, N, M, PADDED, MODE),
            )
        by_h = tl.zeros((BLOCK, PADDED), tl.float32)
        for first_of_tile in range(0, N, TILE):
            i = first_of_tile + tl.arange(0, TILE)
            _, own, g, spent = tile_of(
                *(W, b, h, data, cost, share, parameter, softmax, (model, step, purpose)),
                *(samples, i, column, mask, N, M, PADDED, MODE, ACTIVATE),
            )
            loss += tl.sum(tl.sum(spent, axis=1), axis=0) / 2
            by_h += product(g, own)
        for first_of_tile in range(0, N, TILE):
            i = first_of_tile + tl.arange(0, TILE)
            x, _, g, _ = tile_of(
                *(W, b, h, data, cost, share, parameter, softmax, (model, step, purpose)),
                *(samples, i, column, mask, N, M, PADDED, MODE, ACTIVATE),
            )
            by_W = product(tl.trans(h), g) + product(tl.trans(by_h), x)
            at = gradient_W + j[:, None] * N + i[None, :]
            own_numbers = (j < M)[:, None] & (i < N)[None, :]
            before = tl.load(at, mask=own_numbers & (start > 0), other=0.0)
            tl.store(at, before + by_W, mask=own_numbers)
            before = tl.load(gradient_b + i, mask=(i < N) & (start > 0), other=0.0)
            tl.store(gradient_b + i, before + tl.sum(g, axis=0), mask=i < N)
        tl.debug_barrier()  # what one thread has added to, another may add to in the next block
    return loss
