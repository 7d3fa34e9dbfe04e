"""The functions that activations are written in, for Triton: the formulas of `native/lanes.h`.

Not the device's own, whose last bits differ from one to the next and which the interpreter does not
know: so what is tested is what runs.
"""

import inspect
from functools import partial
from typing import Any

import triton
import triton.language as tl


def jit(function: Any = None, **options: Any) -> Any:
    """Make a Triton function, as `triton.jit` does, of what Triton can read the source of.

    In tests a function is wrapped, so that the shapes of its arguments are checked.
    """
    if function is None:
        return partial(jit, **options)
    return triton.jit(inspect.unwrap(function), **options)


@jit
def where(condition, a, b):
    """Return a where the condition holds, else b."""
    return tl.where(condition, a, b)


@jit
def maximum(a, b):
    """Return the larger; of a number that is none, a, so that one in z stays one in max(z, 0)."""
    return tl.where(b > a, b, a)


@jit
def minimum(a, b):
    """Return the smaller; of a number that is none, a."""
    return tl.where(b < a, b, a)


@jit
def absolute(a):
    """Return a without its sign."""
    return maximum(a, -a)


@jit
def sqrt(a):
    """Return the square root, rounded as C rounds it."""
    return tl.sqrt_rn(a)


@jit
def log(a):
    """Return the natural logarithm."""
    return tl.log(a)


@jit
def exp_to_88(a):
    """Return e^a of a up to 88: 2^k times a polynomial on [-ln 2 / 2, ln 2 / 2]; 0 below -87."""
    shifted = a * 1.44269504 + 12582912.0  # 1.5 * 2^23: added, it leaves no bits for a fraction
    k = shifted - 12582912.0
    r = (a - k * 0.693145751953125) - k * 1.42860677e-6
    power = r * 0.0013836845755577087 + 0.008374815806746483
    power = power * r + 0.04166822507977486
    power = power * r + 0.16666419804096222
    power = power * r + 0.49999991059303284
    power = (power * r + 1) * r + 1
    bits = power.to(tl.int32, bitcast=True) + (shifted.to(tl.int32, bitcast=True) << 23)
    # What is not a number is handed on: an NVIDIA's own, 0x7fffffff, would come out finite.
    result = tl.where(a < -87.0, 0.0, a)
    return tl.where(a >= -87.0, bits.to(tl.float32, bitcast=True), result)


@jit
def exp(a):
    """Return e^a; above 88 that of 88, which is as good as infinity, but 0 times 0."""
    return exp_to_88(minimum(a, 88.0))


@jit
def sigmoid(a):
    """Return 1 / (1 + e^-a)."""
    return tl.where(a < -87.0, 0.0, 1.0 / (exp(-a) + 1.0))


@jit
def tanh(a):
    """Return the hyperbolic tangent."""
    t = exp_to_88(absolute(a) * -2.0)
    size = (1.0 - t) / (t + 1.0)
    return tl.where(a < 0.0, -size, size)


@jit
def gauss(a):
    """Return e^(-a^2 / 2)."""
    return exp_to_88(a * a * -0.5)


@jit
def normal_cdf(a):
    """Return the normal distribution: its tail is e^(-a^2/2) times a polynomial in a fraction."""
    t = 1.0 / (absolute(a) * 0.35 + 1.0)
    share = t * -0.029145939275622368 + 0.1439717411994934
    share = share * t - 0.2557143568992615
    share = share * t + 0.15917426347732544
    share = share * t - 0.023109903559088707
    share = share * t + 0.10550802946090698
    share = share * t + 0.11983285844326019
    share = share * t + 0.13986186683177948
    share = share * t + 0.13962140679359436
    tail = share * t * gauss(a)
    return tl.where(a > 0.0, 1.0 - tail, tail)


@jit
def erf(a):
    """Return the error function."""
    return normal_cdf(a * 1.41421356) * 2.0 - 1.0
