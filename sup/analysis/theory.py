"""What trained models are compared with: exact losses, and the least that there can be.

Of linear models in closed form, of few features by quadrature and search. Pure functions, in
float64.
"""

from sup.analysis.linear import (
    feature_mean,
    feature_variance,
    linear_optimum,
    linear_population_loss,
    linear_projector,
)
from sup.analysis.optimum import (
    Optimum,
    has_optimum,
    loss_gap,
    optimum,
    population_loss,
    superposition_onset,
)

__all__ = [
    "Optimum",
    "feature_mean",
    "feature_variance",
    "has_optimum",
    "linear_optimum",
    "linear_population_loss",
    "linear_projector",
    "loss_gap",
    "optimum",
    "population_loss",
    "superposition_onset",
]
