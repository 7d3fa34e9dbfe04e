"""Hidden dimensions that are a basis of their own are shown as they are."""

import numpy as np
import pytest
import xarray as xr

import sup
from sup.figures.features import neuron_figure, raw_neuron_figure
from sup.figures.neurons import in_order, weights_figure

SMALL = {"n_features": 5, "n_hidden": 3, "steps": 20, "batch_size": 64, "sparsity": [0, 0.9]}
OF_NEURONS = {
    "an activation": {"model": "untied", "model_hidden_activation": "relu"},
    "a penalty": {"model": "tied", "model_l1": [0.0, 0.1]},
}
OTHERS = {"plain": {}, "tied": {"model": "tied"}, "noise": {"model": "tied", "model_noise": 0.1}}


def basis(results: xr.Dataset) -> str:
    (label,) = {
        text.get_text() for text in neuron_figure(results).texts if "hidden" in text.get_text()
    }
    return label


@pytest.mark.parametrize("given", OF_NEURONS.values(), ids=OF_NEURONS)
def test_neurons_are_not_rotated(given):
    results = sup.train(**SMALL, **given)
    assert basis(results) == "hidden dimension (neurons as trained)"
    shown, raw = (
        draw(results).axes[0].collections[0] for draw in (neuron_figure, raw_neuron_figure)
    )
    for one, other in zip(shown.get_paths(), raw.get_paths(), strict=True):
        assert np.array_equal(one.vertices, other.vertices)


@pytest.mark.parametrize("given", OTHERS.values(), ids=OTHERS)
def test_other_hidden_dimensions_are(given):
    assert basis(sup.train(**SMALL, **given)) == "hidden dimension (varimax basis)"


@pytest.mark.parametrize("given", OF_NEURONS.values(), ids=OF_NEURONS)
def test_weights_stand_neuron_by_neuron(given):
    results = sup.train(**SMALL, **given, seed=[0, 1])
    figure = weights_figure(results)
    figure.draw_without_rendering()
    images = figure.axes[0].images
    assert [np.asarray(one.get_array()).shape for one in images] == [(3, 5)] * (
        2 if "decoder" in results else 1
    )


def test_neurons_are_in_the_order_of_their_features():
    W = np.array([[0, 0.1, -3], [2, 0, 1], [0, -1, 0]])
    first, second = in_order([W, 2 * W])
    assert first.tolist() == [[2, 0, 1], [0, -1, 0], [0, 0.1, -3]]
    assert np.array_equal(second, 2 * first)


def test_a_run_of_neurons_has_their_figure(command, tmp_path):
    given = ("model=untied", "model.hidden_activation=relu", "n_features=4", "n_hidden=3")
    outcome = command(*given, "steps=2", "logger=none", "hydra.run.dir=run")
    assert outcome.status == 0
    assert (tmp_path / "run" / "figures" / "neurons.png").is_file()
