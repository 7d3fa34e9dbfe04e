"""What decides claims about phase diagrams: of the optimum, and of each seed that was trained."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import numpy as np
import torch
import xarray as xr

from sup.analysis.diagrams import AXES
from sup.analysis.optimum import lone_from
from sup.analysis.phases import NO_MODEL, Phase, is_dead, phase_of
from sup.analysis.theory import feature_variance
from sup.article.evidence import Evidence, NotMeasuredError, own
from sup.article.parts import Known, OfSeeds, Part, Thresholds, at_least, at_most
from sup.figures.basics import article_activations
from sup.figures.style import activation_name

SINGLE = (Phase.NOT_REPRESENTED, Phase.ALONE)

FARTHEST = 100.0
"""Relative importance up to which a monosemantic corner is looked for; the diagrams end at 10."""


def by_seed(values: xr.DataArray) -> np.ndarray:
    """Return values as ``[seed, ratio, density, ...]``, of one seed where they have no seeds."""
    values = values if "seed" in values.dims else values.expand_dims("seed")
    return values.transpose("seed", *AXES, ...).values


@dataclass(frozen=True)
class Phases:
    """Phases and losses of one activation, ``[seed, ratio, density]``, densities falling.

    Args:
        phases: of each model; of an optimum, of one seed.
        loss: of each model.
        alone: what the better feature alone would cost at r = 1, ``[density]``; not a number where
            it is not known, or nowhere.
        density: p.
        ratio: r.
        part: the kind of a claim's part that is made of these.
    """

    phases: np.ndarray
    loss: np.ndarray
    alone: np.ndarray
    density: np.ndarray
    ratio: np.ndarray
    part: type[Known | OfSeeds]

    @property
    def unequal(self) -> np.ndarray:
        """Which relative importances are not 1."""
        return np.abs(np.log(self.ratio)) > 1e-6

    def sparse(self, at: Thresholds, *wanted: Phase) -> np.ndarray:
        """Return the share of sparse cells that are in one of some phases, ``[seed]``."""
        cells = self.phases[:, :, self.density < at.sparse]
        return _share(np.isin(cells, wanted), f"cells of a density below {at.sparse:.3g}")

    def rightly_alone(self, at: Thresholds) -> np.ndarray:
        """Return the share of dense cells with only the greater feature, ``[seed]``."""
        expected = np.where(self.ratio < 1, Phase.NOT_REPRESENTED, Phase.ALONE)[:, None]
        right = (self.phases == expected)[:, self.unequal][..., self.density >= at.dense]
        return _share(right, f"cells of a density of at least {at.dense:.3g}")

    def extent(self) -> np.ndarray:
        """Return over how much of the log density there is superposition, ``[seed, ratio]``.

        The cells' widths added up, wherever they are: one that training has left elsewhere counts
        for one, and ends no boundary.
        """
        width = np.abs(np.gradient(np.log(self.density)))
        return ((self.phases == Phase.SUPERPOSITION) * width).sum(-1)


Found = Callable[[Evidence, str, Thresholds], Phases]
"""Finds the phases of an activation: `trained` or `optimal`."""


def trained(evidence: Evidence, activation: str, at: Thresholds) -> Phases:
    """Return what was trained; a model that represents nothing speaks for no claim."""
    found = own(evidence, activation)
    W = by_seed(found["W"])
    phases = np.where(is_dead(W), NO_MODEL, phase_of(W, at.share))
    return _phases(found, phases, by_seed(found["loss"]), OfSeeds)


def optimal(evidence: Evidence, activation: str, at: Thresholds) -> Phases:
    """Return the optimum, whose classes were written down with the results.

    Raises:
        NotMeasuredError: where they were not.
    """
    found = own(evidence, activation)
    if "optimum_phase" not in found:
        raise NotMeasuredError("optima")
    # The same for all seeds.
    phases, loss = (by_seed(found[name])[:1] for name in ("optimum_phase", "optimum_loss"))
    return _phases(found, phases, loss, Known)


def _phases(
    found: xr.Dataset, phases: np.ndarray, loss: np.ndarray, part: type[Known | OfSeeds]
) -> Phases:
    density, ratio = 1 - found["sparsity"].values, found["importance_ratio"].values
    return Phases(phases, loss, _alone(found, density, ratio), density, ratio, part)


def _alone(found: xr.Dataset, density: np.ndarray, ratio: np.ndarray) -> np.ndarray:
    """Return what one feature alone costs at r = 1, ``[density]``.

    Where the optimum drops the extra feature, it costs ``L_1 + r v(p)``, L_1 that of one feature
    by itself; so at r = 1 one alone costs ``L_1 + v(p)``.
    """
    if not {"optimum_loss", "optimum_phase"} <= {*found}:
        return np.full(len(density), np.nan)
    least = int(np.argmin(ratio))
    loss = by_seed(found["optimum_loss"])[0, least]
    dropped = by_seed(found["optimum_phase"])[0, least] == Phase.NOT_REPRESENTED
    variance = np.asarray(feature_variance(torch.from_numpy(density)))
    return np.where(dropped, loss + (1 - ratio[least]) * variance, np.nan)


def _share(cells: np.ndarray, of: str) -> np.ndarray:
    """Return the share of cells, ``[seed]``, of which there must be one at least."""
    if not cells[0].size:
        raise NotMeasuredError(of)
    return cells.mean((-2, -1))


def relu_phases(found: Found, evidence: Evidence, at: Thresholds) -> list[Part]:
    """C3."""
    relu = found(evidence, "relu", at)
    sparse = f"share of cells below density {at.sparse:.3g} in superposition"
    return [
        relu.part(sparse, at_least(0.95), relu.sparse(at, Phase.SUPERPOSITION)),
        _dense_alone(relu, at, 0.95),
    ]


def _dense_alone(phases: Phases, at: Thresholds, least: float) -> Part:
    rule = f"share of cells from density {at.dense:.3g} with the greater feature alone"
    return phases.part(rule, at_least(least), phases.rightly_alone(at))


def monosemantic_unlike_relu(found: Found, evidence: Evidence, at: Thresholds) -> list[Part]:
    """C5."""
    limits = {"relu": at_most(0.05), "gelu": at_least(0.1), "silu": at_least(0.1)}
    parts = []
    for name, limit in limits.items():
        phases = found(evidence, name, at)
        rule = f"{name}: share of cells below density {at.sparse:.3g} with one feature alone"
        parts.append(phases.part(rule, limit, phases.sparse(at, *SINGLE)))
    return parts


def corners(evidence: dict[str, Evidence]) -> str:
    """Say from which r on one feature is alone where features are sparsest, and how many seeds."""
    one = evidence["phase_diagram"]
    said = []
    for name in ("relu", "gelu", "silu"):
        here = trained(one, name, Thresholds())
        density, most = float(here.density.min()), int(np.argmax(here.ratio))
        corner = _corner(name, density)
        of_seeds = (here.phases[:, most, int(np.argmin(here.density))] == Phase.ALONE).mean()
        known = f"from r = {corner:.3g} on" if np.isfinite(corner) else f"nowhere to {FARTHEST:g}"
        said.append(
            f"{activation_name(name)} {known} ({of_seeds:.0%} of seeds at {here.ratio[most]:g})"
        )
    return f"At density {density:.2g} the optimum has the extra feature alone: {'; '.join(said)}."


@cache
def _corner(activation: str, density: float) -> float:
    return lone_from(article_activations()[activation], density, FARTHEST)


def sigmoid_like_relu(found: Found, evidence: Evidence, at: Thresholds) -> list[Part]:
    """C7: by how far superposition extends, against how far it does for other activations."""
    relu = found(evidence, "relu", at)
    typical = np.median(relu.extent(), 0)
    if not typical.any():
        raise NotMeasuredError("cells with most ReLU models in superposition")

    def apart(name: str) -> np.ndarray:
        extent = found(evidence, name, at).extent()
        return np.sqrt(((extent - typical) ** 2).mean(-1))

    others = [name for name in evidence.activations if name != "sigmoid"]
    beside = ", ".join(f"{name} {np.median(apart(name)):.2g}" for name in others)
    rule = f"distance of its extent from ReLU's in log density, rms over r (beside it {beside})"
    return [relu.part(rule, at_most(0.3), apart("sigmoid"))]


def tanh_like_linear(found: Found, evidence: Evidence, at: Thresholds) -> list[Part]:
    """C8."""
    tanh, linear = (found(evidence, name, at) for name in ("tanh", "linear"))
    typical = np.apply_along_axis(lambda cell: np.bincount(cell + 1).argmax() - 1, 0, linear.phases)
    same = _share((tanh.phases == typical)[:, tanh.unequal], "relative importances other than 1")
    rule = "share of cells with r ≠ 1 in the phase of most linear seeds"
    return [tanh.part(rule, at_least(0.95), same), _gain_at_equal(tanh)]


def _gain_at_equal(phases: Phases) -> Part:
    """Return what two features of equal importance gain over the better one alone, ``[seed]``.

    Relative, the mean over densities. Linear models gain nothing.
    """
    known = np.isfinite(phases.alone)
    (equal,) = np.nonzero(~phases.unequal)
    if not (len(equal) and known.any()):
        raise NotMeasuredError("cells of relative importance 1, and such with one feature alone")
    gain = (1 - phases.loss[:, equal[0], known] / phases.alone[known]).mean(1)
    return phases.part("loss gained at r = 1 over the better feature alone", at_least(0.01), gain)


def solu_prefers_the_greater(found: Found, evidence: Evidence, at: Thresholds) -> list[Part]:
    """C9."""
    return [_dense_alone(found(evidence, "solu", at), at, 0.9)]
