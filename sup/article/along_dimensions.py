"""What decides the claim about dimensions per feature."""

import numpy as np

from sup.article.evidence import Evidence, own
from sup.article.parts import Part, at_least, at_most

FALLING = ("relu", "gelu", "silu", "sigmoid", "solu")

NEAR_HALF = 0.02
"""Distance of D* from 1/2 on ReLU's plateau."""


def dimensions_fall(dimensions: Evidence, factor: float) -> list[Part]:
    """C10: of 10,000 steps of the notebook's recipe, whose curve the article shows."""
    curves = {}
    for name in (*FALLING, "tanh"):
        curve = own(dimensions, name)["dimensions_per_feature"]
        curve = curve if "seed" in curve.dims else curve.expand_dims("seed")
        curves[name] = curve.transpose("seed", "sparsity").values
    parts = []
    for name in FALLING:
        fall = curves[name][:, 0] - curves[name][:, -1]
        rise = np.diff(curves[name]).max(-1)
        parts += [
            Part(f"{name}: fall of D* from first to last", at_least(0.02), fall),
            Part(f"{name}: greatest rise of D* on the way", at_most(0.02), rise),
        ]
    apart = np.abs(curves["gelu"] - curves["silu"]).max(-1)
    parts.append(Part("greatest difference between GELU and SiLU", at_most(0.15), apart))
    for name in ("sigmoid", "solu"):
        off = np.abs(curves[name][:, -1] / 0.05 - 1)
        parts.append(Part(f"{name}: relative distance of the last D* from 1/20", at_most(0.2), off))
    off = np.abs(curves["tanh"] - 1).max(-1)
    width = np.array([plateau(curve, NEAR_HALF * factor) for curve in curves["relu"]])
    rule = f"ReLU: share of the log axis with D* within {NEAR_HALF * factor:.3g} of 1/2"
    return [
        *parts,
        Part("tanh: greatest distance of D* from 1", at_most(0.05), off),
        Part(rule, at_least(0.1), width),
    ]


def plateau(curve: np.ndarray, near: float) -> float:
    """Return the share of an evenly spaced axis on which a curve is near 1/2."""
    fine = np.interp(np.linspace(0, len(curve) - 1, 1001), np.arange(len(curve)), curve)
    return float((np.abs(fine - 0.5) < near).mean())
