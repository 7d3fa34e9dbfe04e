"""Phase diagrams: which there are, and how a trained one fits the optimum's."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import xarray as xr
from jaxtyping import Float, Int
from numpy.lib.stride_tricks import sliding_window_view

from sup.analysis.axes import axes_of
from sup.analysis.phases import NO_MODEL, PHASE_NAMES, is_dead, phase_of
from sup.analysis.phases_of_three import NAMES_OF_THREE, phase_of_three

DEAD = -2
"""Stands where a class would, for a model that represents no feature."""

AWAY = 2
"""Cells from a boundary of the optimum's phases, from which on it does not decide by a hair."""

AXES = ("importance_ratio", "sparsity")
"""Of a diagram, in the order in which it is drawn: upwards, and to the right."""


@dataclass(frozen=True)
class Diagram:
    """What a phase diagram is of.

    Args:
        title: its models.
        shape: their hidden dimensions and features; the last feature is the extra one.
        names: of the classes, which are numbered from 0.
        phase_of: the class of each model by its weights ``[..., hidden, feature]``; `NO_MODEL`
            where they are not finite.
    """

    title: str
    shape: tuple[int, int]
    names: tuple[str, ...]
    phase_of: Callable[[np.ndarray], np.ndarray]

    def class_of(self, W: Float[np.ndarray, "*axes hidden feature"]) -> Int[np.ndarray, "*axes"]:
        """Return the class of each trained model by its weights; `DEAD` where it has none.

        By `phase_of` such a model is among those without the extra feature, as if it had the other.
        """
        phases = self.phase_of(W)
        return np.where((phases != NO_MODEL) & is_dead(W), DEAD, phases)


PAIR = Diagram("two features in one dimension", (1, 2), PHASE_NAMES, phase_of)
TRIPLE = Diagram("three features in two dimensions", (2, 3), NAMES_OF_THREE, phase_of_three)

DIAGRAMS: dict[tuple[int, ...], Diagram] = {diagram.shape: diagram for diagram in (PAIR, TRIPLE)}
"""By the shape of their models' weights."""


def diagram_of(results: xr.Dataset) -> Diagram | None:
    """Return what diagram over sparsity and relative importance results are; None if none."""
    axes, dims, sizes = set(AXES), set(axes_of(results)), results.sizes
    grid = axes <= dims <= axes | {"activation", "seed"} and min(sizes[name] for name in axes) > 1
    return DIAGRAMS.get((sizes["hidden"], sizes["feature"])) if grid else None


def agreement(results: xr.Dataset) -> tuple[float, float]:
    """Return the share of cells whose trained phase is the optimum's.

    Args:
        results: of one activation, one seed chosen, with dimensions sparsity and importance_ratio,
            and with `optimum_phase`.

    Returns:
        Of all cells; of those around which the optimum's phase changes nowhere within `AWAY` cells.
        A model that represents nothing agrees with no optimum.
    """
    laid = results.sortby(list(AXES)).transpose(*AXES, ...)
    W, best = laid["W"].values, laid["optimum_phase"].values
    diagram = DIAGRAMS[laid.sizes["hidden"], laid.sizes["feature"]]
    equal = diagram.class_of(W) == best
    around = sliding_window_view(np.pad(best, AWAY, mode="edge"), (2 * AWAY + 1,) * 2)
    far = (around == best[..., None, None]).all((-2, -1))
    return float(equal.mean()), float(equal[far].mean()) if far.any() else float("nan")
