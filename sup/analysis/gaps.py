"""How far training ends from the optimum, over many models."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

LARGE = 0.01
"""Relative excess of a loss from which on training has ended in another minimum: what is left of
the way to the same one is far below it."""

HIGH = 0.95
"""Quantile that is told beside the median."""


@dataclass(frozen=True)
class GapSummary:
    """Relative excesses of losses in three numbers.

    Args:
        median: half of the models are closer to their optimum.
        high: 95 of 100 are.
        above: the share of models whose excess is above 1%.
        count: of the models.
    """

    median: float
    high: float
    above: float
    count: int


def gap_summary(gap: Float[np.ndarray, "*axes"]) -> GapSummary | None:
    """Summarise the `loss_gap` of models, those without one left out; None where all are."""
    known = gap[np.isfinite(gap)]
    if not known.size:
        return None
    median, high = np.quantile(known, [0.5, HIGH])
    return GapSummary(float(median), float(high), float((known > LARGE).mean()), known.size)
