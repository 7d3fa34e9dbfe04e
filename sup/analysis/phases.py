"""What becomes of the extra feature of two in one dimension, in training and at the optimum."""

from enum import IntEnum

import numpy as np
import xarray as xr
from jaxtyping import Bool, Float, Int
from numpy.lib.stride_tricks import sliding_window_view

from sup.analysis.thresholds import EXPLAINED_THRESHOLD

SHARE = 0.1
"""A feature is represented if it has at least this share of the squared weights; in an antipodal
pair of equals it is 1/2, and in trained models it lies near 0, 1/2 or 1 (the report shows it)."""

PRESENT = 0.05
"""... and if its squared weight is at least this: a model of hardly any weights represents nothing,
whatever their shares."""

AWAY = 2
"""Cells from a boundary of the optimum's phases, from which on it does not decide by a hair."""

NO_MODEL = -1
"""Stands where a phase would, for a model that diverged or was never trained."""


class Phase(IntEnum):
    """The classes of the phase diagram (Lad & Kostolansky, 2023; Elhage et al., 2022)."""

    NOT_REPRESENTED = 0
    SUPERPOSITION = 1
    ALONE = 2


PHASE_NAMES = {
    Phase.NOT_REPRESENTED: "extra feature not represented",
    Phase.SUPERPOSITION: "in superposition with the first",
    Phase.ALONE: "represented alone",
}


def extra_share(W: Float[np.ndarray, "*axes 1 2"]) -> Float[np.ndarray, "*axes"]:
    """Return the extra (last) feature's share of the squared weights, in [0, 1]; 0 where W = 0."""
    squares = W[..., 0, :].astype(np.float64) ** 2
    total = squares.sum(-1)
    return np.divide(squares[..., 1], total, out=np.zeros_like(total), where=total > 0)


def phase_of(W: Float[np.ndarray, "*axes 1 2"]) -> Int[np.ndarray, "*axes"]:
    """Return the `Phase` of each model by its weights; `NO_MODEL` where they are not finite."""
    squares = W[..., 0, :].astype(np.float64) ** 2
    share = extra_share(W)
    extra = (share >= SHARE) & (squares[..., 1] >= PRESENT)
    first = (share <= 1 - SHARE) & (squares[..., 0] >= PRESENT)
    phases = np.where(first, Phase.SUPERPOSITION, Phase.ALONE)
    finite = np.isfinite(squares).all(-1)
    phases = np.where(extra, phases, Phase.NOT_REPRESENTED)
    return np.where(finite, phases, NO_MODEL).astype(int)


def is_dead(W: Float[np.ndarray, "*axes 1 2"]) -> Bool[np.ndarray, "*axes"]:
    """Tell which models represent neither feature."""
    return ~((W[..., 0, :].astype(np.float64) ** 2).max(-1) >= PRESENT)


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


def is_phase_diagram(results: xr.Dataset) -> bool:
    """Tell whether results are two features in one dimension over sparsity and importance."""
    axes, dims, sizes = {"sparsity", "importance_ratio"}, set(results["loss"].dims), results.sizes
    grid = axes <= dims <= axes | {"activation", "seed"} and min(sizes[name] for name in axes) > 1
    return grid and (sizes["hidden"], sizes["feature"]) == (1, 2)


def agreement(results: xr.Dataset) -> tuple[float, float]:
    """Return the share of cells whose trained phase is the optimum's.

    Args:
        results: of one activation, one seed chosen, with dimensions sparsity and importance_ratio,
            and with `optimum_phase`.

    Returns:
        Of all cells; of those around which the optimum's phase changes nowhere within `AWAY` cells.
        A model that represents nothing agrees with no optimum.
    """
    laid = results.sortby(["sparsity", "importance_ratio"])
    laid = laid.transpose("importance_ratio", "sparsity", ...)
    W, best = laid["W"].values, laid["optimum_phase"].values
    equal = (phase_of(W) == best) & ~is_dead(W)
    around = sliding_window_view(np.pad(best, AWAY, mode="edge"), (2 * AWAY + 1,) * 2)
    far = (around == best[..., None, None]).all((-2, -1))
    return float(equal.mean()), float(equal[far].mean()) if far.any() else float("nan")
