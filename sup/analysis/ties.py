"""Ties in the phase diagram of two features: where neither is the more important one."""

import numpy as np
from jaxtyping import Bool, Float

TIE = 0.05
"""How far from 1 the sum of both R2 may be. Of tanh the best mix is better than one feature alone
by less than 0.01 at every density; ReLU's pair is by 0.07 at density 0.63, and by more below."""


def is_tie(
    explained: Float[np.ndarray, "#*axes"], ratio: Float[np.ndarray, "#*axes"]
) -> Bool[np.ndarray, "..."]:
    """Tell in which cells one feature alone would be as good as the model that is there.

    Where both count alike, the loss is a feature's variance times ``2 - R2_1 - R2_2``, and that of
    one alone is one variance: the feature that is represented might as well be the other. If f is
    linear, so might any mix ``cos(a) x_1 + sin(a) x_2``, which by its weights is in superposition.

    Args:
        explained: the sum of both features' R2 (`sup.analysis.reconstruction`).
        ratio: the importance of the extra feature by that of the first.
    """
    return np.isclose(ratio, 1) & (np.abs(explained - 1) <= TIE)


def explained_by(
    loss: Float[np.ndarray, "*axes"],
    known_loss: Float[np.ndarray, "*axes"],
    known: Float[np.ndarray, "*axes 2"],
) -> Float[np.ndarray, "*axes"]:
    """Return ``R2_1 + R2_2`` of models by their loss, where both features count alike.

    Args:
        loss: of the models.
        known_loss: of others of the same settings.
        known: R2 of these.
    """
    return 2 - loss / known_loss * (2 - known.sum(-1))
