"""How sure a mean over seeds is: seeds are the unit, not the cells that each of them fills."""

import numpy as np
from jaxtyping import Shaped

Z = 1.959964
"""Standard errors on each side of a normal distribution's middle 95%."""

RESAMPLES = 4_000


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
    drawn = np.random.default_rng(0).integers(0, len(values), (RESAMPLES, len(values)))
    low, high = np.quantile(values[drawn].mean(1), (0.025, 0.975))
    return float(low), float(high)
