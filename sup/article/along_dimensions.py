"""What decides the claim about dimensions per feature."""

import numpy as np
import torch
import xarray as xr

from sup.analysis.mean_field import mean_field
from sup.analysis.recipes import excess_loss
from sup.article.evidence import Evidence, own
from sup.article.parts import OfMean, Part, Thresholds, at_least, at_most
from sup.figures.basics import article_activations
from sup.figures.style import activation_name

FALLING = ("relu", "gelu", "silu", "sigmoid", "solu")

REACHING = ("sigmoid", "solu")
"""Of which the article says that D* reaches about 1/20."""

NEAR_HALF = 0.02
"""Distance of D* from 1/2 on ReLU's plateau."""


def dimensions_fall(dimensions: Evidence, at: Thresholds) -> list[Part]:
    """C10: of 10,000 steps of the notebook's recipe, whose curve the article shows.

    A part for each thing that the article says; of several activations, what is worst.
    """
    curves = {name: curve_of(dimensions, name) for name in (*FALLING, "tanh")}
    falls = np.min([curves[name][:, 0] / curves[name][:, -1] for name in FALLING], 0)
    rises = np.max([np.diff(curves[name]).max(-1) for name in FALLING], 0)
    apart = {
        name: np.abs(np.log(curves["gelu"] / curves[name])).mean(-1) for name in ("silu", "relu")
    }
    off = np.max([np.abs(np.log(curves[name][:, -1] * 20)) for name in REACHING], 0)
    width = np.array([plateau(curve, NEAR_HALF) for curve in curves["relu"]])
    falling, reaching = (
        ", ".join(activation_name(name) for name in names) for names in (FALLING, REACHING)
    )
    return [
        OfMean(f"D* falls by a factor, least of {falling}", at_least(2), falls),
        OfMean("greatest rise of D* on the way, of the same", at_most(0.02), rises),
        OfMean(
            "distance of GELU from SiLU in log D*, by that of GELU from ReLU",
            at_most(0.5),
            apart["silu"] / apart["relu"],
        ),
        OfMean(f"log distance of the last D* from 1/20, most of {reaching}", at_most(0.2), off),
        OfMean("tanh: greatest distance of D* from 1", at_most(0.05), off_one(curves["tanh"])),
        OfMean(f"ReLU: share of the log axis within {NEAR_HALF} of 1/2", at_least(0.1), width),
    ]


def curve_of(dimensions: Evidence, activation: str) -> np.ndarray:
    """Return D* of an activation, ``[seed, sparsity]``."""
    curve = own(dimensions, activation)["dimensions_per_feature"]
    curve = curve if "seed" in curve.dims else curve.expand_dims("seed")
    return curve.transpose("seed", "sparsity").values


def off_one(curves: np.ndarray) -> np.ndarray:
    """Return how far from 1 curves are at most, ``[seed]``."""
    return np.abs(curves - 1).max(-1)


def recipe_and_end(evidence: dict[str, Evidence]) -> str:
    """Say what of reaching 1/20 is the recipe's, and what is so at the end of training too."""
    recipe, end = evidence["dimensions"], evidence.get("dimensions_converged")
    if end is None:
        return "How far the recipe is from the end of training was not measured."
    said = [
        f"of {activation_name(name)} {_of_both(name, own(recipe, name), end)}" for name in REACHING
    ]
    return f"Where features are sparsest D* is, {'; '.join(said)}."


def _of_both(name: str, recipe: xr.Dataset, end: Evidence) -> str:
    """Write the last D* of both, of the mean field where that is known, and the excess in loss."""
    reached = f"{_last(recipe):.4f} by the article's recipe"
    long = end.of(name)
    if long is None:
        return f"{reached}, its end unknown"
    last = recipe.isel(sparsity=[-1])
    density = torch.from_numpy(1 - last["sparsity"].values)
    crowd = recipe.sizes["feature"] / recipe.sizes["hidden"]
    excess = excess_loss(last, long).values
    loss = f" ({excess.item():+.1%} loss by the recipe)" if excess.size else ""
    told = f"{reached}, {_last(long.sortby('sparsity')):.4f} trained to the end{loss}"
    if name == "solu":  # which mixes features: the mean field is of elementwise ones
        return told
    known = mean_field(article_activations()[name], density, crowd)[0].item()
    return f"{told}, {known:.4f} by a mean field"


def _last(results: xr.Dataset) -> float:
    """Return D* at the highest sparsity, the mean over seeds."""
    return float(results["dimensions_per_feature"].isel(sparsity=-1).mean())


def plateau(curve: np.ndarray, near: float) -> float:
    """Return the share of an evenly spaced axis on which a curve is near 1/2."""
    fine = np.interp(np.linspace(0, len(curve) - 1, 1001), np.arange(len(curve)), curve)
    return float((np.abs(fine - 0.5) < near).mean())
