"""How sure a mean over seeds is: seeds are the unit, not the cells that each of them fills."""

import numpy as np
from jaxtyping import Float, Shaped

Z = 1.959964
"""Standard errors on each side of a normal distribution's middle 95%."""

T = (
    *(12.7062, 4.30265, 3.18245, 2.77645, 2.57058, 2.44691, 2.36462, 2.306, 2.26216, 2.22814),
    *(2.20099, 2.17881, 2.16037, 2.14479, 2.13145, 2.11991, 2.10982, 2.10092, 2.09302, 2.08596),
    *(2.07961, 2.07387, 2.06866, 2.0639, 2.05954, 2.05553, 2.05183, 2.04841, 2.04523, 2.04227),
)
"""The same of Student's t, for 1 to 30 degrees of freedom."""

LEAST_SEEDS = 3
"""Seeds from which on a mean has an interval: of two, Student's is six times as wide as they are
apart."""


def wilson(successes: float | int, count: int) -> tuple[float, float]:
    """Return the 95% interval of a share, by Wilson, 1927.

    Args:
        successes: of so many.
        count: at least 1.
    """
    share, z2 = successes / count, Z**2
    middle = (share + z2 / (2 * count)) / (1 + z2 / count)
    half = Z / (1 + z2 / count) * (share * (1 - share) / count + z2 / (4 * count**2)) ** 0.5
    return max(0.0, middle - half), min(1.0, middle + half)


def student(freedom: int) -> float:
    """Return how many standard errors of a mean are on each side of its middle 95%.

    Args:
        freedom: one less than the values that the mean is of, at least 1.
    """
    if freedom <= len(T):
        return T[freedom - 1]
    second = (5 * Z**5 + 16 * Z**3 + 3 * Z) / (96 * freedom**2)
    return Z + (Z**3 + Z) / (4 * freedom) + second  # Fisher's expansion


def interval_of_mean(values: Shaped[np.ndarray, " seed"]) -> tuple[float, float]:
    """Return the 95% interval of the mean over seeds; without bounds below `LEAST_SEEDS`.

    Wilson's where each seed says yes or no (as Booleans), else Student's. It holds the truth in 95
    of 100 cases if seeds are spread normally, and in fewer if nearly all of them are alike and a
    rare one is far off: of what comes with one seed in ten, eight seeds alike say nothing.
    """
    if len(values) < LEAST_SEEDS:
        return -np.inf, np.inf
    if values.dtype == bool:
        return wilson(float(values.sum()), len(values))
    low, high = _student(values)
    return float(low), float(high)


def band_of_mean(values: Shaped[np.ndarray, "seed *points"]) -> Float[np.ndarray, "2 *points"]:
    """Return the lower and upper end of `interval_of_mean` at each point of curves.

    Seeds that are not finite at a point are left out there; with fewer than `LEAST_SEEDS` left it
    has no band, and its ends are not a number. Wilson's where each seed says yes or no.
    """
    if values.dtype == bool and len(values) >= LEAST_SEEDS:
        return np.apply_along_axis(interval_of_mean, 0, values)
    flat = values.reshape(len(values), -1)
    ends = np.full((2, flat.shape[1]), np.nan)
    known = np.isfinite(flat)
    for seeds in np.unique(known, axis=1).T:
        if seeds.sum() >= LEAST_SEEDS:
            points = (known == seeds[:, None]).all(0)
            ends[:, points] = _student(flat[np.ix_(seeds, points)])
    return ends.reshape(2, *values.shape[1:])


def _student(values: Shaped[np.ndarray, "seed *points"]) -> Float[np.ndarray, "2 *points"]:
    count, mean = len(values), values.mean(0)
    half = student(count - 1) * values.std(0, ddof=1) / count**0.5
    return np.stack([mean - half, mean + half])
