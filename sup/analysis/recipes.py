"""How far one recipe of training ends from where another does, of the same models."""

import numpy as np
import xarray as xr

SAME = 1e-6
"""Up to this distance two sparsities are the same: that of what is written with ten digits."""


def excess_loss(results: xr.Dataset, end: xr.Dataset) -> xr.DataArray:
    """Return by how much a recipe's held-out loss exceeds another's, relative to that.

    Args:
        results: of the one, with the dimension sparsity, and activation and seed at most.
        end: of the other; of several seeds of either the mean counts.

    Returns:
        ``[activation, sparsity]``, of those activations and sparsities that both have.
    """
    return _excess(*(_losses(one).mean("seed") for one in (results, end)))


def excess_of_seeds(results: xr.Dataset, end: xr.Dataset) -> xr.DataArray:
    """Return the same of each seed, ``[activation, seed, sparsity]``.

    Seeds that both have are compared each with itself, as what differs between seeds is much the
    same for both recipes. Where they have not two in common, each of the one is compared with the
    mean of the other.
    """
    own, other = (_losses(one) for one in (results, end))
    common = np.intersect1d(own["seed"].values, other["seed"].values)
    if len(common) > 1:
        own, other = (one.sel(seed=common) for one in (own, other))
    else:
        other = other.mean("seed")
    return _excess(own, other).transpose("activation", "seed", "sparsity")


def _excess(own: xr.DataArray, other: xr.DataArray) -> xr.DataArray:
    """Return the excess of one loss over another where both have the same settings."""
    nearest = other.reindex(sparsity=own["sparsity"], method="nearest", tolerance=SAME)
    own, nearest = xr.align(own, nearest)
    return (own / nearest - 1).dropna("sparsity", how="all")


def _losses(results: xr.Dataset) -> xr.DataArray:
    """Return the held-out loss ``[activation, seed, sparsity]``, sparsities rising."""
    loss = results["loss"]
    for axis in ("activation", "seed"):
        loss = loss if axis in loss.dims else loss.expand_dims(axis)
    return (
        loss.reset_coords(drop=True).transpose("activation", "seed", "sparsity").sortby("sparsity")
    )
