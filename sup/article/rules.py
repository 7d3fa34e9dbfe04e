"""What decides the article's claims: from results to parts that can be measured and judged."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr

from sup.analysis.phases import NO_MODEL, Phase, is_dead, phase_of
from sup.analysis.thresholds import NORM_THRESHOLD, dimensionality_threshold
from sup.analysis.varimax import varimax
from sup.article.evidence import Evidence
from sup.figures.style import best_seed

CARRIED = 0.1
"""Share of a hidden dimension's squared weights from which it counts as carrying a feature."""


SPARSE, DENSE = 0.1, 0.85
"""Densities below and from which phase diagrams are said to be sparse and dense."""


@dataclass(frozen=True)
class Part:
    """A measurable part of a claim.

    Args:
        rule: what was measured and what it must be.
        value: what it is, for people.
        holds: whether it is so.
    """

    rule: str
    value: str
    holds: bool


class NotMeasuredError(Exception):
    """The results lack what a claim is about, such as an activation; the message says what."""


def _own(evidence: Evidence, activation: str) -> xr.Dataset:
    """Return one activation's best seeds, sparsities in rising order."""
    found = evidence.of(activation)
    if found is None:
        raise NotMeasuredError(f"results of the activation {activation}")
    return best_seed(found).sortby("sparsity").transpose("sparsity", ...)


def _part(rule: str, value: Any, holds: Any) -> Part:
    return Part(rule, f"{value:.3g}", bool(holds))


def _mean(values: np.ndarray, of: str) -> float:
    """Return the mean of some measurements, of which there must be one at least."""
    if not values.size:
        raise NotMeasuredError(of)
    return float(values.mean())


def _top_features(own: xr.Dataset) -> np.ndarray:
    """Tell at each sparsity whether the strong features are just the first m, ``[sparsity]``."""
    strong = own["feature_norm"].values > NORM_THRESHOLD
    return (strong == (np.arange(own.sizes["feature"]) < own.sizes["hidden"])).all(-1)


def _interference(own: xr.Dataset) -> np.ndarray:
    """Return the greatest ``|W_i . W_j|`` of each model, ``[sparsity]``."""
    W = own["W"].values
    gram = np.abs(np.swapaxes(W, -1, -2) @ W)
    return (gram * (1 - np.eye(gram.shape[-1]))).max((-2, -1))


def _paired(W: np.ndarray) -> float:
    """Return the share of strong features with an opposite: a cosine of -0.8 or less."""
    norm = np.linalg.norm(W, axis=0)
    W = W[:, norm > NORM_THRESHOLD] / norm[norm > NORM_THRESHOLD]
    return float(((W.T @ W).min(1) <= -0.8).mean()) if W.size else 0.0


def _carried(own: xr.Dataset) -> np.ndarray:
    """Return each hidden dimension's shares by feature in varimax's basis, largest first.

    The shape is ``[sparsity, hidden, feature]``.
    """
    squares = np.stack([varimax(W) ** 2 for W in own["W"].values])
    total = squares.sum(-1, keepdims=True)
    shares = np.divide(squares, total, out=np.zeros_like(squares), where=total > 0)
    return -np.sort(-shares, -1)


def _cells(evidence: Evidence, activation: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return phases ``[ratio, sparsity]`` of the best seeds, densities and relative importances.

    A model that represents nothing has no phase here: it speaks for no claim.
    """
    own = _own(evidence, activation).transpose("importance_ratio", "sparsity", ...)
    W = own["W"].values
    phases = np.where(is_dead(W), NO_MODEL, phase_of(W))
    return phases, 1 - own["sparsity"].values, own["importance_ratio"].values


def _alone_rightly(evidence: Evidence, activation: str) -> float:
    """Return the share of dense cells with only the greater feature."""
    phases, density, ratio = _cells(evidence, activation)
    expected = np.where(ratio < 1, Phase.NOT_REPRESENTED, Phase.ALONE)[:, None]
    right = (phases == expected)[_unequal(ratio)][:, density >= DENSE]
    return _mean(right, f"cells of a density of at least {DENSE}")


def _sparse(evidence: Evidence, activation: str, *wanted: Phase) -> float:
    """Return the share of sparse cells that are in one of some phases."""
    phases, density, _ = _cells(evidence, activation)
    return _mean(np.isin(phases[:, density < SPARSE], wanted), f"cells of a density below {SPARSE}")


def _unequal(ratio: np.ndarray) -> np.ndarray:
    """Tell which relative importances are not 1."""
    return np.abs(np.log(ratio)) > 1e-6


def linear_keeps_the_top(bottleneck: Evidence) -> list[Part]:
    """C1."""
    own = _own(bottleneck, "linear")
    top, worst = _top_features(own).mean(), _interference(own).max()
    return [
        _part("share of sparsities with just the top m features strong, to be 1", top, top == 1),
        _part("greatest interference |Wᵢ·Wⱼ|, to be below 0.1", worst, worst < 0.1),
    ]


def relu_pairs(bottleneck: Evidence) -> list[Part]:
    """C2."""
    own = _own(bottleneck, "relu")
    if own["sparsity"].values[-1] < 0.9:
        raise NotMeasuredError("sparsities from 0.9")
    low, pairs = _interference(own)[0], _paired(own["W"].values[-1])
    rule = f"share of features with an opposite at S = {own['sparsity'].values[-1]:.3g}"
    return [
        _part("greatest interference at the lowest sparsity, to be below 0.1", low, low < 0.1),
        _part(f"{rule}, to be at least 0.8", pairs, pairs >= 0.8),
    ]


def relu_phases(phase_diagram: Evidence) -> list[Part]:
    """C3."""
    sparse = _sparse(phase_diagram, "relu", Phase.SUPERPOSITION)
    dense = _alone_rightly(phase_diagram, "relu")
    return [
        _part(
            "share of cells below density 0.1 in superposition, to be ≥ 0.99",
            sparse,
            sparse >= 0.99,
        ),
        _part(
            "share of cells from density 0.85 with the greater feature alone, to be ≥ 0.95",
            dense,
            dense >= 0.95,
        ),
    ]


def gelu_and_silu(bottleneck: Evidence) -> list[Part]:
    """C4."""
    parts, counts = [], {}
    for name in ("gelu", "silu"):
        shares = _carried(_own(bottleneck, name))
        counts[name] = (shares >= CARRIED).sum(-1)
        most, least = int(counts[name].max()), float(shares[..., 0].min())
        parts.append(
            _part(f"{name}: most features in one dimension, to be at most 2", most, most <= 2)
        )
        parts.append(
            _part(f"{name}: least share of the dominating one, to be ≥ 0.6", least, least >= 0.6)
        )
    apart = float(np.abs(counts["gelu"].mean(-1) - counts["silu"].mean(-1)).max())
    rule = "greatest difference in features per dimension between the two, to be below 0.5"
    return [_part(rule, apart, apart < 0.5), *parts]


def monosemantic_unlike_relu(phase_diagram: Evidence) -> list[Part]:
    """C5."""
    single = (Phase.NOT_REPRESENTED, Phase.ALONE)
    names = ("relu", "gelu", "silu")
    alone = {name: _sparse(phase_diagram, name, *single) for name in names}
    limits = {"relu": "≤ 0.05", "gelu": "≥ 0.1", "silu": "≥ 0.1"}
    holds = {
        "relu": alone["relu"] <= 0.05,
        "gelu": alone["gelu"] >= 0.1,
        "silu": alone["silu"] >= 0.1,
    }
    rule = "share of cells below density 0.1 with one feature alone, to be"
    return [_part(f"{name}: {rule} {limits[name]}", alone[name], holds[name]) for name in alone]


def sigmoid_speckles(bottleneck: Evidence) -> list[Part]:
    """C6."""
    own = _own(bottleneck, "sigmoid")
    shared = ((_carried(own) >= CARRIED).sum(-1) >= 2).mean(-1)
    sparsity = own["sparsity"].values
    first = _mean(shared[sparsity > 0][:1], "sparsities above 0")
    high = _mean(shared[sparsity >= 0.9], "sparsities from 0.9")
    rule = "share of hidden dimensions with two features or more"
    return [
        _part(f"{rule} at S = {sparsity[sparsity > 0][0]:.3g}, to be 1", first, first == 1),
        _part(f"{rule} from S = 0.9, to be 1", high, high == 1),
    ]


def sigmoid_like_relu(phase_diagram: Evidence) -> list[Part]:
    """C7."""
    same = float((_cells(phase_diagram, "sigmoid")[0] == _cells(phase_diagram, "relu")[0]).mean())
    return [_part("share of cells in the same phase as ReLU's, to be ≥ 0.85", same, same >= 0.85)]


def tanh_like_linear(bottleneck: Evidence, phase_diagram: Evidence) -> list[Part]:
    """C8."""
    top = float(_top_features(_own(bottleneck, "tanh")).mean())
    (tanh, _, ratio), (linear, *_) = (_cells(phase_diagram, one) for one in ("tanh", "linear"))
    unequal = _unequal(ratio)
    same = _mean((tanh == linear)[unequal], "relative importances other than 1")
    equals = _mean(tanh[~unequal] == Phase.SUPERPOSITION, "cells of relative importance 1")
    return [
        _part("share of sparsities with just the top m features strong, to be 1", top, top == 1),
        _part("share of cells with r ≠ 1 in linear's phase, to be ≥ 0.95", same, same >= 0.95),
        _part("share of cells with r = 1 in superposition, to be ≥ 0.9", equals, equals >= 0.9),
    ]


def solu_superposes(bottleneck: Evidence, phase_diagram: Evidence) -> list[Part]:
    """C9."""
    own = _own(bottleneck, "solu")
    threshold = dimensionality_threshold(own.sizes["hidden"], own.sizes["feature"])
    represented = own["feature_dimensionality"].values > threshold
    shared = (own["polysemanticity"].values > 0.1) & represented
    every, dense = float(shared.mean()), _alone_rightly(phase_diagram, "solu")
    return [
        _part(
            "share of features in superposition, over all sparsities, to be ≥ 0.95",
            every,
            every >= 0.95,
        ),
        _part(
            "share of cells from density 0.85 with the greater feature alone, to be ≥ 0.9",
            dense,
            dense >= 0.9,
        ),
    ]


def dimensions_fall(dimensions: Evidence) -> list[Part]:
    """C10."""
    names = ("relu", "gelu", "silu", "sigmoid", "solu", "tanh")
    curves = {}
    for name in names:
        found = dimensions.of(name)
        if found is None:
            raise NotMeasuredError(f"results of the activation {name}")
        curve = found["dimensions_per_feature"].sortby("sparsity")
        curves[name] = (curve.mean("seed") if "seed" in curve.dims else curve).values
    parts = []
    for name in names[:5]:
        rise = float(np.diff(curves[name]).max())
        fall = float(curves[name][0] - curves[name][-1])
        parts.append(
            _part(
                f"{name}: fall of D* from first to last, to be > 0.02 and rises < 0.02",
                fall,
                fall > 0.02 and rise < 0.02,
            )
        )
    apart = float(np.abs(curves["gelu"] - curves["silu"]).max())
    rule = "greatest difference between GELU and SiLU, to be below 0.15"
    parts.append(_part(rule, apart, apart < 0.15))
    for name in ("sigmoid", "solu"):
        end = float(curves[name][-1])
        rule = f"{name}: D* at the last sparsity, to be 1/20 or a fifth off it"
        parts.append(_part(rule, end, 0.04 <= end <= 0.06))
    off, width = float(np.abs(curves["tanh"] - 1).max()), _plateau(curves["relu"])
    return [
        *parts,
        _part("tanh: greatest distance of D* from 1, to be below 0.05", off, off < 0.05),
        _part(
            "ReLU: share of the log axis with D* within 0.02 of 1/2, to be > 0.1",
            width,
            width > 0.1,
        ),
    ]


def _plateau(curve: np.ndarray) -> float:
    """Return the share of an evenly spaced axis on which a curve is within 0.02 of 1/2."""
    fine = np.interp(np.linspace(0, len(curve) - 1, 1001), np.arange(len(curve)), curve)
    return float((np.abs(fine - 0.5) < 0.02).mean())
