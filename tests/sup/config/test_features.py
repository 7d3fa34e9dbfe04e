"""Settings of each feature: lists that are one value, told from axes without guessing."""

import pytest

import sup
from sup.config.grid import axis_settings
from sup.config.rules import SettingError


def own(n_features, values):
    """Stand for an importance of a user's own."""


def test_a_list_for_each_feature_is_no_axis():
    settings = sup.Settings(importance=[1, 0.5, 0.1], n_features=3, n_hidden=1)
    assert settings.grid.size == 1
    assert settings == sup.Settings(
        importance="explicit", importance_values=(1, 0.5, 0.1), n_features=3, n_hidden=1
    )
    chosen = {"features": "explicit", "features_sparsity": [0, 0.5, 0.9], "n_features": 3}
    settings = sup.Settings(seed=[0, 1], n_hidden=1, **chosen)
    assert settings.grid.size == 2
    assert "sparsity" not in axis_settings(settings)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"importance": "explicit"}, "must be a list with a number for each feature"),
        ({"importance": [1, -1, 1]}, "importance.values=-1: must be a number of at least 0"),
        ({"importance": [1, 2]}, "has 2 numbers, but n_features=3"),
        ({"features": "explicit", "features_sparsity": [0, 0.5, 1]}, r"must be a number in \[0, 1"),
        (
            {"features": "explicit", "features_sparsity": [0, 0.5, 0.99999995]},
            r"features.sparsity=0.99999995: must be a number in \[0, 1 - 2\^-24\]",
        ),
        (
            {"features": "explicit", "features_sparsity": [0, 0.5, 0.9], "sparsity": [0, 0.9]},
            "sparsity=.*: has no meaning here",
        ),
        ({"sparsity": None}, r"sparsity=None: must be a number in \[0, 1 - 2\^-24\]"),
        (
            {"importance": sup.Part(own, {"values": [1, 0.5, 0.25]})},
            r"importance.values=.*: has n_features=3 numbers: one for each feature, or 3 models\?",
        ),
    ],
)
def test_what_cannot_be_or_could_be_two_things_is_refused(given: dict, message: str):
    with pytest.raises(SettingError, match=message):
        sup.Settings(n_features=3, n_hidden=1, **given)


def test_a_users_own_list_is_what_it_is_said_to_be():
    values = {"values": [1, 0.5, 0.25]}
    one = sup.Settings(n_features=3, importance=sup.Part(own, values, lists=("values",)))
    three = sup.Settings(n_features=3, importance=sup.Part(own, values, lists=()))
    assert (one.grid.size, three.grid.size) == (1, 3)
    four = sup.Settings(n_features=3, importance=sup.Part(own, {"values": [1, 0.5, 0.25, 0]}))
    assert four.grid.size == 4


def test_on_the_command_line(settings):
    values = ("n_features=3", "importance=explicit", "importance.values=[1,0.5,0.25]")
    assert settings(*values).importance.parameters == {"values": [1, 0.5, 0.25]}
