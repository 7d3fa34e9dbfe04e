"""What becomes of the extra feature of two in one dimension, in training and at the optimum."""

from enum import IntEnum

import numpy as np
from jaxtyping import Bool, Float, Int

from sup.analysis.thresholds import EXPLAINED_THRESHOLD

SHARE = 0.1
"""A feature is represented if it has at least this share of the squared weights of itself and the
strongest; in an antipodal pair of equals it is 1/2, and in trained models of two features it lies
near 0, 1/2 or 1 (the report shows it)."""

PRESENT = 0.05
"""... and if its squared weight is at least this: a model of hardly any weights represents nothing,
whatever their shares."""

NO_MODEL = -1
"""Stands where a phase would, for a model that diverged or was never trained."""


class Phase(IntEnum):
    """The classes of the phase diagram (Lad & Kostolansky, 2023; Elhage et al., 2022)."""

    NOT_REPRESENTED = 0
    SUPERPOSITION = 1
    ALONE = 2


PHASE_NAMES = (
    "extra feature not represented",
    "in superposition with the first",
    "represented alone",
)
"""Of `Phase`."""


def extra_share(W: Float[np.ndarray, "*axes hidden feature"]) -> Float[np.ndarray, "*axes"]:
    """Return the extra (last) feature's share of the squared weights, in [0, 1]; 0 where W = 0."""
    squares = _squares(W)
    total = squares.sum(-1)
    return np.divide(squares[..., -1], total, out=np.zeros_like(total), where=total > 0)


def represented(
    W: Float[np.ndarray, "*axes hidden feature"], share: float = SHARE
) -> Bool[np.ndarray, "*axes feature"]:
    """Tell which features are represented by weights: beside the strongest, and at all.

    So many features as there may be, the share is of two: another one alone on its own dimension
    does not change whether these two are in superposition.

    Args:
        W: weights.
        share: the least of the squared weights of a feature and the strongest, in (0, 1/2).
    """
    squares = _squares(W)
    strongest = squares.max(-1, keepdims=True)
    return np.logical_and(squares >= share * (squares + strongest), squares >= PRESENT)


def _squares(W: np.ndarray) -> np.ndarray:
    """Return the squared norms of features, ``[..., feature]``, which float32 could not hold."""
    return (W.astype(np.float64) ** 2).sum(-2)


def phase_of(W: Float[np.ndarray, "*axes 1 2"], share: float = SHARE) -> Int[np.ndarray, "*axes"]:
    """Return the `Phase` of each model by its weights; `NO_MODEL` where they are not finite.

    Args:
        W: weights.
        share: from which on a feature is `represented`.
    """
    first, extra = np.moveaxis(represented(W, share), -1, 0)
    phases = np.where(first, Phase.SUPERPOSITION, Phase.ALONE)
    phases = np.where(extra, phases, Phase.NOT_REPRESENTED)
    return np.where(np.isfinite(W).all((-2, -1)), phases, NO_MODEL).astype(int)


def is_dead(W: Float[np.ndarray, "*axes hidden feature"]) -> Bool[np.ndarray, "*axes"]:
    """Tell which models represent no feature."""
    return np.logical_not(represented(W).any(-1))


class FunctionalPhase(IntEnum):
    """The classes of the phase diagram by what is reconstructed, whatever the weights are."""

    NOT_RECONSTRUCTED = 0
    BOTH = 1
    ALONE = 2
    NEITHER = 3


def phase_by_function(explained: Float[np.ndarray, "*axes 2"]) -> Int[np.ndarray, "*axes"]:
    """Return the `FunctionalPhase` of each model; `NO_MODEL` where it is not known.

    A feature is reconstructed if more than half of its variance is explained. By weights, a pair
    of the same sign is in superposition, as an antipodal one is; under GELU it reconstructs at
    most one feature of the two.

    Args:
        explained: R2 of the first and of the extra feature (`sup.analysis.reconstruction`).
    """
    first, extra = (explained[..., k] > EXPLAINED_THRESHOLD for k in range(2))
    with_first = np.where(extra, FunctionalPhase.BOTH, FunctionalPhase.NOT_RECONSTRUCTED)
    without = np.where(extra, FunctionalPhase.ALONE, FunctionalPhase.NEITHER)
    known = np.isfinite(explained).all(-1)
    return np.where(known, np.where(first, with_first, without), NO_MODEL).astype(int)
