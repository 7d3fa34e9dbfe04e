"""The curve that the article publishes: dimensions per feature of six activations, and of SoLU."""

import json
from pathlib import Path

import numpy as np
import xarray as xr

FILE = Path(__file__).parent / "published.json"

OVER_INSTANCES = "solu"
"""The activation whose published curve is another experiment; see `SOLU_APART`."""

SAME = 1e-6
"""Difference of two ``log 1/(1-S)`` up to which they are one sparsity, written in ten digits."""

SOLU_APART = (
    "the published SoLU curve is very probably a softmax over the instances of a batched model "
    "instead of over features. A re-run of that kind gave .525, .280, .148, .077 and .052 at the "
    "points 1, 6, 11, 16 and 20, against .538, .276, .153, .082 and .051 published. Ours is over "
    "features, as SoLU is defined, so the two are not the same experiment."
)

SOLU_IN_SHORT = (
    "SoLU is apart from its published curve, which very probably is another experiment: a softmax "
    "over the instances of a batched model. Ours is over features."
)


def dimensions_per_feature() -> xr.DataArray:
    """Return the published ``D* = m / ||W||_F^2``, ``[activation, inverse_density]``.

    200 features of equal importance in 20 dimensions, at twenty values of ``1/(1-S)`` from 1 to 20.
    """
    content = json.loads(FILE.read_text("utf-8"))
    curves = content["curves"]
    return xr.DataArray(
        np.array(list(curves.values())),
        {"activation": list(curves), "inverse_density": content["inverse_density"]},
        ("activation", "inverse_density"),
        attrs={"source": content["article"]},
    )


def compared(results: xr.Dataset) -> xr.Dataset:
    """Put our D* beside the published one, at the published points that we have.

    Args:
        results: with the dimension sparsity, and activation and seed at most.

    Returns:
        `ours`, `published` and `difference` by activation and inverse_density, of the activations
        and the sparsities of both; ours is the mean over seeds.
    """
    published = dimensions_per_feature()
    ours = results["dimensions_per_feature"]
    if "activation" not in ours.dims:
        ours = ours.expand_dims("activation")
    if "seed" in ours.dims:
        ours = ours.mean("seed")
    known = [str(name) for name in ours["activation"].values if name in published["activation"]]
    ours = ours.sel(activation=known).transpose("activation", "sparsity")
    theirs = published.sel(activation=known)
    logs = np.log(1 / (1 - ours["sparsity"].values))
    apart = np.abs(np.log(theirs["inverse_density"].values)[:, None] - logs)
    common = np.flatnonzero(apart.min(1) < SAME)
    theirs = theirs.isel(inverse_density=common)
    mine = theirs.copy(data=ours.values[:, apart[common].argmin(1)])
    return xr.Dataset({"ours": mine, "published": theirs, "difference": mine - theirs})
