"""The curve that the article publishes: dimensions per feature of six activations, and of SoLU."""

import json
from pathlib import Path

import numpy as np
import xarray as xr

FILE = Path(__file__).parent / "published.json"

OVER_INSTANCES = "solu"
"""The activation whose published curve is another experiment; see `SOLU_APART`."""

SOLU_APART = (
    "the published SoLU curve is very probably a softmax over the instances of a batched model "
    "instead of over features. A re-run of that kind gave .525, .280, .148, .077 and .052 at the "
    "points 1, 6, 11, 16 and 20, against .538, .276, .153, .082 and .051 published. Ours is over "
    "features, as SoLU is defined, so the two are not the same experiment."
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
        `ours`, `published` and `difference` by activation and inverse_density; ours is the mean
        over seeds, and interpolated by the logarithm of ``1/(1-S)`` where sparsities differ.
    """
    published = dimensions_per_feature()
    ours = results["dimensions_per_feature"]
    if "activation" not in ours.dims:
        ours = ours.expand_dims("activation")
    if "seed" in ours.dims:
        ours = ours.mean("seed")
    ours = ours.transpose("activation", "sparsity").sortby("sparsity")
    logs = np.log(1 / (1 - ours["sparsity"].values))
    wanted = np.log(published["inverse_density"].values)
    # The ends of our grid and of theirs differ by rounding, which must not put them out of reach.
    wanted = np.where(np.abs(wanted - logs[-1]) < 1e-6, logs[-1], wanted)
    known = [str(name) for name in ours["activation"].values if name in published["activation"]]
    rows = [
        np.interp(wanted, logs, ours.sel(activation=name).values, left=np.nan, right=np.nan)
        for name in known
    ]
    near = np.abs(wanted[:, None] - logs).min(1) < 1e-6
    theirs = published.sel(activation=known)
    mine = theirs.copy(data=np.array(rows).reshape(theirs.shape))
    compared = xr.Dataset({"ours": mine, "published": theirs, "difference": mine - theirs})
    return compared.assign_coords(measured=("inverse_density", near))
