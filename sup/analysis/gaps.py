"""How far training ends from the optimum, over many models."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from sup.analysis.intervals import LEAST_SEEDS, interval_of_mean

LARGE = 0.01
"""Relative excess of a loss from which on training has ended in another minimum: what is left of
the way to the same one is far below it."""

HIGH = 0.95
"""Quantile that is told beside the median."""


@dataclass(frozen=True)
class GapSummary:
    """Relative excesses of losses: means over seeds of what is measured of each seed's models.

    Seeds are the unit, as cells of one seed begin from the same weights and see the same inputs.

    Args:
        median: half of a seed's models are closer to their optimum.
        high: 95 of 100 are.
        above: the share of a seed's models whose excess is above 1%.
        interval: 95% interval of `above`; None of fewer than `LEAST_SEEDS` seeds.
        seeds: how many there are.
    """

    median: float
    high: float
    above: float
    interval: tuple[float, float] | None
    seeds: int


def gap_summary(gap: Float[np.ndarray, "seed *axes"]) -> GapSummary | None:
    """Summarise the `loss_gap` of models, those without one left out; None where all are."""
    known = [models[np.isfinite(models)] for models in gap]
    known = [models for models in known if models.size]
    if not known:
        return None
    median, high = np.mean([np.quantile(models, [0.5, HIGH]) for models in known], axis=0)
    above = np.array([(models > LARGE).mean() for models in known])
    interval = None
    if len(above) >= LEAST_SEEDS:
        low, top = np.clip(interval_of_mean(above), 0, 1)
        interval = (float(low), float(top))
    return GapSummary(float(median), float(high), float(above.mean()), interval, len(above))
