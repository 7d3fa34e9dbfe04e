"""What two features that share a dimension by their weights come to when reconstructed."""

import numpy as np
from jaxtyping import Float

from sup.analysis.phases import NO_MODEL, FunctionalPhase, Phase, phase_by_function, phase_of


def pair_reconstructed(
    W: Float[np.ndarray, "*axes 1 2"], explained: Float[np.ndarray, "*axes 2"]
) -> Float[np.ndarray, "*axes"]:
    """Tell whether models in superposition by their weights reconstruct both features.

    Weights do not tell an antipodal pair, of which an activation can clear the interference away,
    from one of equal signs, which adds up to one number for two features.

    Args:
        W: the weights.
        explained: R2 of both features (`sup.analysis.reconstruction`).

    Returns:
        1 where both are, 0 where at most one is; not a number of models that are not in
        superposition, or not known.
    """
    function = phase_by_function(explained)
    pair = (phase_of(W) == Phase.SUPERPOSITION) & (function != NO_MODEL)
    return np.where(pair, function == FunctionalPhase.BOTH, np.nan)
