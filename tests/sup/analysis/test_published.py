"""The article's published curve."""

import numpy as np
import pytest
import xarray as xr

from sup.analysis import published
from sup.cli.resolvers import ratios, sparsities


def results(resolution: int) -> xr.Dataset:
    """Return results that are the published curves themselves, at some sparsities."""
    curves = published.dimensions_per_feature()
    sparsity = np.array(sparsities(0.05, resolution))
    at = 1 / (1 - sparsity)
    values = [np.interp(np.log(at), np.log(curves["inverse_density"]), line) for line in curves]
    coordinates = {"activation": curves["activation"].values, "sparsity": sparsity}
    return xr.Dataset({"dimensions_per_feature": (("activation", "sparsity"), values)}, coordinates)


def test_its_points_are_those_of_the_experiment():
    assert published.dimensions_per_feature().sizes == {"activation": 7, "inverse_density": 20}
    at = 1 / (1 - np.array(sparsities(0.05, 20)))
    assert at == pytest.approx(published.dimensions_per_feature()["inverse_density"].values)


def test_compared_with_itself_there_is_no_difference():
    both = published.compared(results(20))
    assert both.sizes["inverse_density"] == 20
    assert (np.abs(both["difference"].values) < 1e-6).all()
    assert both["published"].sel(activation="relu")[0].item() == pytest.approx(1.0036, abs=1e-4)


def test_only_points_that_both_have_are_compared():
    both = published.compared(results(4).sel(activation=["relu", "tanh"]))
    assert both["activation"].values.tolist() == ["relu", "tanh"]
    assert both["inverse_density"].values == pytest.approx([1, 20])  # the ends
    assert (np.abs(both["difference"].values) < 1e-6).all()


def test_six_of_the_quick_article_are_among_the_published():
    from sup.article.__main__ import SIX

    sparsity = np.array(SIX.removeprefix("sparsity=[").removesuffix("]").split(","), float)
    own = results(20).isel(sparsity=[0, 3, 6, 11, 16, 19]).assign_coords(sparsity=sparsity)
    both = published.compared(own)
    assert both.sizes["inverse_density"] == 6
    assert (np.abs(both["difference"].values) < 1e-6).all()


def test_ratios_are_evenly_spaced_and_end_exactly():
    points = ratios(0.1, 10, 51)
    assert (points[0], points[-1], len(points)) == (0.1, 10.0, 51)
    assert np.diff(np.log(points)) == pytest.approx(np.log(100) / 50)
    assert points[25] == pytest.approx(1)
    assert ratios(2, 5, 1) == [2.0]


def test_curves_are_drawn_along_sparsity_in_whatever_order_it_was_given():
    from sup.figures.dimensions import dimensions_figure

    own = results(4).sel(activation=["relu"])
    own["total_dimensionality"] = own["features_represented"] = own["dimensions_per_feature"]
    shuffled = own.isel(sparsity=[2, 0, 3, 1]).expand_dims(hidden=20, feature=200)
    shuffled = xr.Dataset({k: v.isel(hidden=0, feature=0) for k, v in shuffled.items()}).assign(
        W=(("hidden", "feature"), np.zeros((20, 200)))
    )
    lines = dimensions_figure(shuffled).axes[1].get_lines()
    at = np.asarray(lines[0].get_xdata())
    assert at == pytest.approx([1, 20 ** (1 / 3), 20 ** (2 / 3), 20])
