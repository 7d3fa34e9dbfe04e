"""Figures of models of many features: those that are represented are seen."""

from typing import Any

import numpy as np
import pytest
from matplotlib.collections import PolyCollection

from sup.analysis.experiment import LARGEST_HEATMAP
from sup.figures.animation import gram_animation
from sup.figures.features import feature_figure
from sup.figures.gram import gram_figure
from sup.figures.large import longest_first
from tests.sup.figures.test_any_results import results_of

MANY = 100


@pytest.fixture
def results():
    """Make results of two models of many features, of which other ones are long in each."""
    made = results_of(n=MANY, m=MANY, sparsity=[0.5, 0.9], names=["relu"])
    lengths = np.linspace(0, 1, MANY)
    made["W"].values[0, 0], made["W"].values[0, 1] = np.diag(lengths), np.diag(lengths[::-1])
    norms = np.sqrt((made["W"].astype(float) ** 2).sum("hidden"))
    return made.assign(feature_norm=norms)


def test_the_longest_are_paired_first_in_each_model(results):
    figure = gram_figure(results)
    for axis in figure.axes[:2]:
        (image,) = axis.get_images()
        diagonal = np.diag(np.asarray(image.get_array()))
        assert diagonal == pytest.approx(np.linspace(1, 0, MANY)[:LARGEST_HEATMAP] ** 2)


def test_norms_fall(results):
    figure = feature_figure(results)
    for axis in figure.axes[:2]:
        (bars,) = axis.findobj(PolyCollection)
        heights = [np.asarray(path.vertices)[:, 1].max() for path in bars.get_paths()]
        assert heights == pytest.approx(np.linspace(1, 0, MANY))


def test_of_an_animation_those_that_are_long_at_the_end(results):
    one = results.isel(activation=0, sparsity=0)
    W = np.stack([one["W"].values[:, ::-1], one["W"].values])
    held = (("snapshot", "hidden", "feature"), W)
    one = one.drop_dims("snapshot").assign(training_W=held).assign_coords(snapshot=[1, 10])
    animation: Any = gram_animation(one)
    animation._init_draw()  # or it warns that it was never shown
    (image,) = animation._fig.axes[0].get_images()
    assert image.get_array().shape == (LARGEST_HEATMAP, LARGEST_HEATMAP)
    first = np.diag(np.asarray(image.get_array()))
    assert first == pytest.approx(np.linspace(0, 1, MANY)[:LARGEST_HEATMAP] ** 2)


def test_few_features_stand_as_they_are():
    one = results_of(n=LARGEST_HEATMAP, sparsity=[0.5]).isel(activation=0, sparsity=0)
    assert longest_first(one) is one
