"""What becomes of the extra feature of three in two dimensions, in training and at the optimum."""

from enum import IntEnum

import numpy as np
from jaxtyping import Float, Int

from sup.analysis.groups import together
from sup.analysis.phases import NO_MODEL, represented


class PhaseOfThree(IntEnum):
    """What the extra feature shares its dimension with, and what the others do if with nothing.

    Elhage et al., 2022, "Superposition as a Phase Change", weigh solutions of three features in two
    dimensions against each other that differ in just this. The group of the extra feature has none
    of the others, one or both in it, or there is no such feature: four classes, which are all that
    there are. A plane has room for two features that share nothing; so where the extra one is
    alone, the price is paid by the others, in one of two ways, and these are told apart: they share
    what is left, or one of them is dropped.

    These two ways cost a linear model the same, as the others are equal: which mixture of them
    fills the last dimension is chance in its training, and a convention at its optimum (the first).
    So it is for any activation that is no better than linear, as ReLU is at density 1. And where
    all three are equal, which of them shares with which is chance, whatever the activation.
    """

    NOT_REPRESENTED = 0
    WITH_ONE = 1
    WITH_BOTH = 2
    OTHERS_SHARE = 3
    OTHER_DROPPED = 4


NAMES_OF_THREE = (
    "extra feature not represented",
    "in superposition with one other",
    "in superposition with both",
    "alone, the others share",
    "alone, another is dropped",
)
"""Of `PhaseOfThree`."""


def phase_of_three(W: Float[np.ndarray, "*axes 2 3"]) -> Int[np.ndarray, "*axes"]:
    """Return the `PhaseOfThree` of each model by its weights; `NO_MODEL` where they are not finite.

    Features share a dimension if they are `represented` and in one group by `together`; no basis is
    needed, and neither rotations nor signs change anything. A model that represents no feature is
    among those that do not represent the extra one (`is_dead` tells it).
    """
    finite = np.isfinite(W)
    W = np.where(finite, W, 0.0)
    here = represented(W)
    partners = together(W, here)[..., 2, :2].sum(-1)
    # In a plane, two that share nothing with a third one are in one group.
    alone = np.where(here[..., :2].all(-1), PhaseOfThree.OTHERS_SHARE, PhaseOfThree.OTHER_DROPPED)
    shared = np.where(partners == 1, PhaseOfThree.WITH_ONE, PhaseOfThree.WITH_BOTH)
    phases = np.where(partners == 0, alone, shared)
    phases = np.where(here[..., 2], phases, PhaseOfThree.NOT_REPRESENTED)
    return np.where(finite.all((-2, -1)), phases, NO_MODEL).astype(int)
