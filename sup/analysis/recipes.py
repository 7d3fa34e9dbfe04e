"""How far one recipe of training ends from where another does, of the same models."""

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
    own, other = (_mean_loss(one) for one in (results, end))
    nearest = other.reindex(sparsity=own["sparsity"], method="nearest", tolerance=SAME)
    own, nearest = xr.align(own, nearest)
    return (own / nearest - 1).dropna("sparsity", how="all")


def _mean_loss(results: xr.Dataset) -> xr.DataArray:
    """Return the mean loss over seeds, ``[activation, sparsity]``, sparsities rising."""
    loss = results["loss"]
    loss = loss if "activation" in loss.dims else loss.expand_dims("activation")
    loss = loss.mean("seed") if "seed" in loss.dims else loss
    return loss.reset_coords(drop=True).transpose("activation", "sparsity").sortby("sparsity")
