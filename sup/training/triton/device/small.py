"""Loss and gradient of a small model in a kernel: all of a sample stays in one thread's registers.

As in `native/small.h`: the sums that make up the gradient have a number for each weight in every
thread, and are added up across threads only at the batch's end.
"""

import triton.language as tl

from sup.training.triton.device.functions import exp_to_88, jit, maximum
from sup.training.triton.device.inputs import four_words, given_values, of_words, sample_share


@jit
def features(
    data, model, step, purpose, column, mask, samples, N: tl.constexpr, MODE: tl.constexpr
):
    """Return x of each feature, a tuple of vectors of samples."""
    x = ()
    if MODE == 0:
        at = tl.load(data.input + model) * N
        for quad in tl.static_range((N + 3) // 4):
            words = four_words(data, model, step, purpose, tl.full((1,), quad, tl.int32), column)
            for k in tl.static_range(4):
                if 4 * quad + k < N:
                    last = tl.load(data.last + at + 4 * quad + k)
                    scale = tl.load(data.scale + at + 4 * quad + k)
                    x = x + (of_words(words[k], last, scale),)
    else:
        for i in tl.static_range(N):
            own = tl.full((1,), i, tl.int32)
            x = x + (given_values(data, model, own, column, mask, samples, N, MODE),)
    return x


@jit
def hidden(W, x, N: tl.constexpr, M: tl.constexpr):
    """Return W x, a tuple of vectors of samples."""
    h = ()
    for j in tl.static_range(M):
        own = x[0] * tl.load(W + j * N)
        for i in tl.static_range(1, N):
            own += x[i] * tl.load(W + j * N + i)
        h = h + (own,)
    return h


@jit
def outputs(W, b, h, N: tl.constexpr, M: tl.constexpr):
    """Return z = W^T h + b, a tuple of vectors of samples."""
    z = ()
    for i in tl.static_range(N):
        own = h[0] * tl.load(W + i) + tl.load(b + i)
        for j in tl.static_range(1, M):
            own += h[j] * tl.load(W + j * N + i)
        z = z + (own,)
    return z


@jit
def pulled_back(z, x, cost, share, parameter, mask, N: tl.constexpr, ACTIVATE: tl.constexpr):
    """Return the loss's gradient by z, and what the samples cost: a tuple and a vector.

    Args:
        z: pre-activations.
        x: inputs.
        cost: where the importance of each feature is.
        share: what a sample counts.
        parameter: where the activation's parameters are.
        mask: which are samples.
        N: the number of features.
        ACTIVATE: returns value and slope; None for SoLU, z softmax(z / T) over the features,
            of which 1 / T is the parameter.
    """
    g = ()
    if ACTIVATE is None:
        inverse = tl.load(parameter)
        most = z[0]
        for i in tl.static_range(1, N):
            most = maximum(most, z[i])
        total = exp_to_88((z[0] - most) * inverse)
        for i in tl.static_range(1, N):
            total += exp_to_88((z[i] - most) * inverse)
        loss = tl.zeros_like(total)
        dot = tl.zeros_like(total)
        for i in tl.static_range(N):
            y = z[i] * (exp_to_88((z[i] - most) * inverse) / total)
            error = tl.where(mask, y - x[i], 0.0)
            by_y = 2.0 * tl.load(cost + i) * share * error
            loss += by_y * error
            dot += by_y * (y * inverse)
        for i in tl.static_range(N):
            part = exp_to_88((z[i] - most) * inverse) / total
            error = tl.where(mask, z[i] * part - x[i], 0.0)
            by_y = 2.0 * tl.load(cost + i) * share * error
            g = g + (tl.where(mask, part * (by_y * (z[i] * inverse + 1.0) - dot), 0.0),)
    else:
        loss = tl.zeros_like(z[0])
        for i in tl.static_range(N):
            y, slope = ACTIVATE(z[i], parameter)
            error = tl.where(mask, y - x[i], 0.0)
            by_y = 2.0 * tl.load(cost + i) * share * error
            loss += by_y * error
            g = g + (tl.where(mask, by_y * slope, 0.0),)
    return g, loss


@jit
def added(sums, loss, x, h, g, by_h, N: tl.constexpr, M: tl.constexpr):
    """Add what samples contribute: to W's gradient, row by row, to b's, and to the loss."""
    new = ()
    for j in tl.static_range(M):
        for i in tl.static_range(N):
            new = new + (sums[j * N + i] + h[j] * g[i] + by_h[j] * x[i],)
    for i in tl.static_range(N):
        new = new + (sums[M * N + i] + g[i],)
    return new + (sums[M * N + N] + loss,)


@jit
def paired(sums, HALF: tl.constexpr):
    """Join each of the first half of some arrays with that of the second half."""
    pairs = ()
    for k in tl.static_range(HALF):
        pairs = pairs + (tl.join(sums[k], sums[k + HALF]),)
    return pairs


@jit
def joined(sums, COUNT: tl.constexpr, LEVELS: tl.constexpr):
    """Add each of some vectors up across threads; return the sums in one vector of 2^LEVELS.

    All at once: one by one, threads would meet as often as there are numbers.
    """
    for _ in tl.static_range(COUNT, 2**LEVELS):
        sums = sums + (tl.zeros_like(sums[0]),)
    for level in tl.static_range(LEVELS):
        sums = paired(sums, 2 ** (LEVELS - 1 - level))
    return tl.reshape(tl.sum(sums[0], axis=0), (2**LEVELS,))


@jit
def small_gradients(
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
    """Write a model's gradients to memory; return its loss.

    Args:
        W, b, cost, parameter: where the model's are; cost is importance over the batch's size.
        gradient_W, gradient_b: where the gradients go.
        data: what its inputs are made of.
        model: its place.
        step, purpose: of the words.
        samples: how many there are.
    """
    sums = ()
    for _ in tl.static_range(M * N + N + 1):
        sums = sums + (tl.zeros((BLOCK,), tl.float32),)
    for start in range(0, samples, BLOCK):
        column = start + tl.arange(0, BLOCK)
        mask = column < samples
        x = features(data, model, step, purpose, column, mask, samples, N, MODE)
        h = hidden(W, x, N, M)
        z = outputs(W, b, h, N, M)
        share = sample_share(data, model, column, mask, samples, MODE)
        g, loss = pulled_back(z, x, cost, share, parameter, mask, N, ACTIVATE)
        by_h = hidden(W, g, N, M)
        sums = added(sums, loss / 2, x, h, g, by_h, N, M)
    LEVELS: tl.constexpr = (M * N + N).bit_length()
    whole = joined(sums, M * N + N + 1, LEVELS)
    k = tl.arange(0, 2**LEVELS)
    tl.store(gradient_W + k, whole, mask=k < M * N)
    tl.store(gradient_b + k - M * N, whole, mask=(k >= M * N) & (k < M * N + N))
    return tl.sum(tl.where(k == M * N + N, whole, 0.0), axis=0)
