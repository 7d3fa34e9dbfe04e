"""How far a recipe ends from the end of training."""

import numpy as np
import pytest
import xarray as xr

from sup.analysis.recipes import excess_loss, excess_of_seeds


def losses(values: np.ndarray, sparsity: list[float], names: list[str] | str) -> xr.Dataset:
    dims = ("activation", "seed", "sparsity")[3 - values.ndim :]
    axes = {"activation": names, "sparsity": sparsity}
    return xr.Dataset({"loss": (dims, values)}, axes)


def test_means_over_seeds_are_compared_where_both_have_results():
    recipe = np.array([[[4.0, 3.0, 2.0], [6.0, 3.0, 4.0]], [[1.0, 1.0, 1.0], [1.0, 1.0, 1.0]]])
    own = losses(recipe, [0.9, 0.5, 0.0], ["relu", "tanh"])
    end = losses(np.array([[2.0, 2.0]]), [0.0, 0.9 + 1e-9], "relu")  # of another order, one seed
    found = excess_loss(own, end)
    assert found["activation"].values.tolist() == ["relu"]
    assert found["sparsity"].values == pytest.approx([0.0, 0.9])
    assert found.values[0] == pytest.approx([0.5, 1.5])


def test_seeds_that_both_have_are_compared_each_with_itself():
    own = losses(np.array([[[2.0], [6.0], [9.0]]]), [0.5], ["relu"]).assign_coords(seed=[0, 1, 2])
    end = losses(np.array([[[2.0], [1.0], [7.0]]]), [0.5], ["relu"]).assign_coords(seed=[1, 0, 5])
    found = excess_of_seeds(own, end)
    assert found.dims == ("activation", "seed", "sparsity")
    assert found.values.ravel() == pytest.approx([1.0, 2.0])
    for alone in (end.isel(seed=0), end.isel(seed=[0])):
        assert excess_of_seeds(own, alone).values.ravel() == pytest.approx([0, 2, 3.5])
    assert excess_of_seeds(own.isel(seed=0), end).values.ravel() == pytest.approx([-0.4])


def test_with_nothing_in_common_there_is_nothing():
    one = losses(np.ones((1, 1, 1)), [0.5], ["relu"])
    assert excess_loss(one, losses(np.ones((1, 1, 1)), [0.6], ["relu"])).size == 0
    assert excess_loss(one, losses(np.ones((1, 1, 1)), [0.5], ["tanh"])).size == 0
