"""What decides claims about phase diagrams: of the optimum, and of each seed that was trained."""

import numpy as np
import torch
import xarray as xr

from sup.analysis.phases import NO_MODEL, Phase, is_dead, phase_of
from sup.analysis.theory import feature_variance
from sup.article.evidence import Evidence, NotMeasuredError, own
from sup.article.parts import Limit, Part, at_least, at_most

SPARSE, DENSE = 0.1, 0.85
"""Densities below and from which phase diagrams are said to be sparse and dense."""

SINGLE = (Phase.NOT_REPRESENTED, Phase.ALONE)

AXES = ("importance_ratio", "sparsity")


def by_seed(values: xr.DataArray) -> np.ndarray:
    """Return values as ``[seed, ratio, density, ...]``, of one seed where they have no seeds."""
    values = values if "seed" in values.dims else values.expand_dims("seed")
    return values.transpose("seed", *AXES, ...).values


def alone_from(factor: float) -> str:
    """Say what `Diagrams.rightly_alone` measures."""
    least = 1 - (1 - DENSE) * factor
    return f"share of cells from density {least:.3g} with the greater feature alone"


class Diagrams:
    """Phases of one activation, ``[seed, ratio, density]``: of the optimum one, densities falling.

    Args:
        evidence: where they are.
        activation: whose.
        of_optimum: whether they are the optimum's, else those of what was trained.
    """

    def __init__(self, evidence: Evidence, activation: str, of_optimum: bool):
        found = own(evidence, activation)
        self.exact = of_optimum
        self.density = 1 - found["sparsity"].values
        self.ratio = found["importance_ratio"].values
        if of_optimum:
            if "optimum_phase" not in found:
                raise NotMeasuredError("optima")
            self.phases = by_seed(found["optimum_phase"])[:1]  # the same for all
        else:
            W = by_seed(found["W"])
            # A model that represents nothing speaks for no claim.
            self.phases = np.where(is_dead(W), NO_MODEL, phase_of(W))

    def part(self, rule: str, limit: Limit, values: np.ndarray) -> Part:
        """Return a part of a claim."""
        return Part(rule, limit, values, self.exact)

    @property
    def unequal(self) -> np.ndarray:
        """Which relative importances are not 1."""
        return np.abs(np.log(self.ratio)) > 1e-6

    def sparse(self, factor: float, *wanted: Phase) -> np.ndarray:
        """Return the share of sparse cells that are in one of some phases, ``[seed]``."""
        cells = self.phases[:, :, self.density < SPARSE * factor]
        return _share(np.isin(cells, wanted), f"cells of a density below {SPARSE * factor:.3g}")

    def rightly_alone(self, factor: float) -> np.ndarray:
        """Return the share of dense cells with only the greater feature, ``[seed]``."""
        least = 1 - (1 - DENSE) * factor
        expected = np.where(self.ratio < 1, Phase.NOT_REPRESENTED, Phase.ALONE)[:, None]
        right = (self.phases == expected)[:, self.unequal][..., self.density >= least]
        return _share(right, f"cells of a density of at least {least:.3g}")

    def boundary(self) -> np.ndarray:
        """Return the log density up to which there is superposition, ``[seed, ratio]``.

        From the sparsest cell on; half a cell below it where there is none.
        """
        logs = np.log(self.density)[::-1]  # from sparse to dense
        pair = (self.phases == Phase.SUPERPOSITION)[..., ::-1]
        between = (logs[1:] + logs[:-1]) / 2
        edges = np.concatenate([2 * logs[:1] - between[:1], between, logs[-1:]])
        return edges[np.cumprod(pair, -1).sum(-1)]


def _share(cells: np.ndarray, of: str) -> np.ndarray:
    """Return the share of cells, ``[seed]``, of which there must be one at least."""
    if not cells[0].size:
        raise NotMeasuredError(of)
    return cells.mean((-2, -1))


def relu_phases(evidence: Evidence, factor: float, of_optimum: bool) -> list[Part]:
    """C3."""
    relu = Diagrams(evidence, "relu", of_optimum)
    rules = (
        f"share of cells below density {SPARSE * factor:.3g} in superposition",
        alone_from(factor),
    )
    values = relu.sparse(factor, Phase.SUPERPOSITION), relu.rightly_alone(factor)
    return [
        relu.part(rule, at_least(0.95), value) for rule, value in zip(rules, values, strict=True)
    ]


def monosemantic_unlike_relu(evidence: Evidence, factor: float, of_optimum: bool) -> list[Part]:
    """C5."""
    limits = {"relu": at_most(0.05), "gelu": at_least(0.1), "silu": at_least(0.1)}
    parts = []
    for name, limit in limits.items():
        found = Diagrams(evidence, name, of_optimum)
        rule = f"{name}: share of cells below density {SPARSE * factor:.3g} with one feature alone"
        parts.append(found.part(rule, limit, found.sparse(factor, *SINGLE)))
    return parts


def sigmoid_like_relu(evidence: Evidence, factor: float, of_optimum: bool) -> list[Part]:
    """C7: by where superposition begins, against how far other activations are from ReLU there."""
    names = [name for name in evidence.activations if name not in ("relu", "sigmoid")]
    relu = Diagrams(evidence, "relu", of_optimum).boundary().mean(0)

    def apart(name: str) -> np.ndarray:
        found = Diagrams(evidence, name, of_optimum).boundary()
        return np.sqrt(((found - relu) ** 2).mean(-1))

    others = ", ".join(f"{name} {apart(name).mean():.2g}" for name in names)
    rule = f"distance of the boundary from ReLU's in log density, rms ({others or 'no others'})"
    return [Part(rule, at_most(0.3), apart("sigmoid"), of_optimum)]


def same_phases(evidence: Evidence, one: str, other: str, of_optimum: bool) -> Part:
    """Return how many cells with r other than 1 are in the same phase as another's best seeds."""
    ours, theirs = (Diagrams(evidence, name, of_optimum) for name in (one, other))
    typical = np.apply_along_axis(lambda cell: np.bincount(cell + 1).argmax() - 1, 0, theirs.phases)
    same = _share((ours.phases == typical)[:, ours.unequal], "relative importances other than 1")
    return ours.part(f"share of cells with r ≠ 1 in {other}'s phase", at_least(0.95), same)


def dense_alone(evidence: Evidence, activation: str, factor: float, of_optimum: bool) -> Part:
    """Return how often dense cells have the greater feature alone."""
    found = Diagrams(evidence, activation, of_optimum)
    return found.part(alone_from(factor), at_least(0.9), found.rightly_alone(factor))


def gain_at_equal(evidence: Evidence, activation: str, of_optimum: bool) -> Part:
    """Return what two features of equal importance gain over the better one alone, ``[seed]``.

    Where the extra feature is of least importance and dropped, the loss is ``L_1 + r v(p)``, L_1
    that of one feature by itself; so at r = 1 one alone costs ``L_1 + v(p)``. The gain is relative
    to that, the mean over densities. Linear models gain nothing.
    """
    found = own(evidence, activation).sortby("importance_ratio")
    diagrams = Diagrams(evidence, activation, of_optimum)
    loss = found["optimum_loss" if of_optimum else "loss"]
    losses = by_seed(loss)[:1] if of_optimum else by_seed(loss)
    ratio = found["importance_ratio"].values
    (equal,) = np.nonzero(np.abs(np.log(ratio)) <= 1e-6)
    variance = np.asarray(feature_variance(torch.from_numpy(diagrams.density)))
    alone = losses[:, 0].min(0) - ratio[0] * variance + variance
    dropped = (diagrams.phases[:, np.argmin(diagrams.ratio)] == Phase.NOT_REPRESENTED).any(0)
    if not (len(equal) and dropped.any()):
        raise NotMeasuredError("cells of relative importance 1, and such with one feature alone")
    gain = (1 - losses[:, equal[0]] / alone)[:, dropped].mean(1)
    rule = "loss gained at r = 1 over the better feature alone, relative"
    return Part(rule, at_least(0.01), gain, of_optimum)
