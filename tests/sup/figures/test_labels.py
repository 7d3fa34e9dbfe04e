"""Settings are written in words and symbols, short, and never alike where they differ."""

import numpy as np
import pytest
import xarray as xr

from sup.figures.gallery import stacked
from sup.figures.labels import fixed_label, setting_labels, setting_name, sparsity_label
from tests.sup.figures.test_gallery import results_of


@pytest.mark.parametrize(
    ("sparsity", "label"),
    [
        (0, "S = 0"),
        (0.0, "S = 0"),
        (0.7, "S = 0.7"),
        (0.698291, "S = 0.698"),
        (0.95, "S = 0.95"),
        (0.9996512, "S = 0.99965"),
        (1 - 1e-9, "S = 0.999999999"),
    ],
)
def test_a_sparsity_keeps_the_digits_of_its_density(sparsity, label):
    assert sparsity_label(sparsity) == label


def test_values_have_as_many_digits_as_tell_them_apart():
    assert setting_labels("init_gain", [1 / 3, 2 / 3]) == [
        "initial gain 0.333",
        "initial gain 0.667",
    ]
    near = setting_labels("sparsity", [0.5, 0.50001])
    assert near == ["S = 0.5", "S = 0.50001"]
    assert setting_labels("n_features", [6, 12345]) == ["n = 6", "n = 12345"]
    assert setting_labels("importance_ratio", [0.1, 12345.0])[1] == "importance ratio 12345"


def test_different_values_never_look_the_same():
    _, settings = stacked(results_of({"optimizer_lr": [0.1, 0.1 + 1e-9]}), ["optimizer_lr"])
    assert settings == [["learning rate 0.1"], ["learning rate 0.100000001"]]


def test_no_key_is_written_as_it_is_typed():
    for key in ("importance_ratio", "optimizer_lr", "init_gain", "activation_negative_slope"):
        assert "_" not in setting_name(key)
    assert setting_name("sparsity") == "sparsity $S$"


def test_what_all_models_have_in_common_is_written_once():
    whole = xr.Dataset(coords={"activation": "relu", "sparsity": 0.9})
    assert fixed_label(whole) == "ReLU, S = 0.9"
    assert fixed_label(whole.expand_dims(activation=2)) == "S = 0.9"
    assert fixed_label(whole.assign_coords(sparsity=("feature", np.zeros(3)))) == "ReLU"
