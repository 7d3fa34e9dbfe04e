"""How sure a mean over seeds is: seeds are the unit, not the cells that each of them fills."""

import numpy as np
from jaxtyping import Float, Shaped

Z = 1.959964
"""Standard errors on each side of a normal distribution's middle 95%."""

RESAMPLES = 4_000

LEAST_SEEDS = 3
"""Seeds from which on a curve has a band: of two, each is an end of it."""


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


def interval_of_mean(values: Shaped[np.ndarray, " seed"]) -> tuple[float, float]:
    """Return the 95% interval of the mean over seeds; without bounds for a single one.

    Wilson's where each seed says yes or no (as Booleans), else the bootstrap's by percentiles
    (Efron, 1979), the same each time.
    """
    if len(values) < 2:
        return -np.inf, np.inf
    if values.dtype == bool:
        return wilson(float(values.sum()), len(values))
    low, high = _bootstrap(values)
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
            ends[:, points] = _bootstrap(flat[np.ix_(seeds, points)])
    return ends.reshape(2, *values.shape[1:])


def _bootstrap(values: Shaped[np.ndarray, "seed *points"]) -> Float[np.ndarray, "2 *points"]:
    """Return percentiles of the means of seeds drawn again.

    Of few seeds they lie too close: of normal values, those of 16 seeds hold the truth in 92 of 100
    cases, of 8 in 89, of 4 in 81 and of 3 in 75.
    """
    count = len(values)
    drawn = np.random.default_rng(0).integers(0, count, (RESAMPLES, count))
    rows = drawn + count * np.arange(RESAMPLES)[:, None]
    times = np.bincount(rows.ravel(), minlength=RESAMPLES * count).reshape(RESAMPLES, count)
    return np.quantile(np.tensordot(times / count, values, 1), (0.025, 0.975), axis=0)
