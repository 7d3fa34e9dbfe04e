"""Distributions of features: marginals, correlations and moments, at five standard errors."""

from typing import Any

import numpy as np
import pytest
import torch

import sup
from sup.config.run import Run
from sup.model.data import numbers_of, presence, rows, variance
from sup.model.inputs import Draws, Purpose
from sup.model.tasks import target_of
from sup.training import plain_samples
from sup.training.stack import Stack

CPU = torch.device("cpu")
SAMPLES = 2**17
SIGMAS = 5

MAGNITUDES = {
    "unit": (1 / 2, 1 / 3),
    "uniform": (0, 1 / 3),
    "fixed": (1, 1),
    "half_normal": ((2 / np.pi) ** 0.5, 1),
    "normal": (0, 1),
    "exponential": (1, 2),
}


def samples_of(**given):
    """Return the settings, and inputs of each instance, [instance, feature, batch]."""
    settings = sup.Settings(**given)
    stack = Stack.of([Run(settings, None, "run")])
    inputs = stack.input_maker()
    words = Draws(stack.seeds, (stack.rows, SAMPLES), CPU).words(Purpose.TRAINING, 3)
    (_, places), *_ = stack.places  # of the run's instances, in its own order
    return settings, inputs(words)[inputs.group_index[places]].double()


def is_near(found, wanted, error):
    return bool(((found - wanted).abs() <= SIGMAS * error + 1e-12).all())


@pytest.mark.parametrize("name", MAGNITUDES)
def test_a_magnitude_has_its_moments(name):
    mean, square = MAGNITUDES[name]
    p = 0.3
    settings, x = samples_of(magnitude=name, sparsity=1 - p, n_features=4)
    own = variance(settings, settings.grid.points)
    assert torch.allclose(own, torch.tensor(p * square - (p * mean) ** 2).double(), rtol=1e-5)
    centred = (x - p * mean).square()
    assert is_near(centred.mean(-1), own, centred.std(-1) / SAMPLES**0.5)
    present = (x != 0).double().mean(-1)
    assert is_near(present, p, (p * (1 - p) / SAMPLES) ** 0.5)


def test_nothing_is_explained_of_what_is_always_the_same():
    given = {"n_features": 3, "n_hidden": 1, "steps": 2, "batch_size": 8, "engine": "eager"}
    data = sup.train(**given, magnitude="fixed", sparsity=[0, 0.5])
    assert data["explained"].isnull().all("feature").values.tolist() == [True, False]
    with pytest.raises(sup.SettingError, match="must be finite numbers that are not all 0"):
        sup.train(**given, magnitude="fixed", magnitude_value=0)


def correlations(x):
    """Return densities, and the correlation of the presence of features with the first one."""
    present = (x != 0).double()
    p = present.mean(-1, keepdim=True)
    centred = present - p
    covariance = centred @ centred.mT / SAMPLES
    scale = covariance.diagonal(dim1=-2, dim2=-1).sqrt()
    return p[..., 0], covariance / (scale[:, None] * scale[..., None])


@pytest.mark.parametrize(
    ("p", "correlation"), [(0.2, 0.4), (0.7, 1.0), (0.2, -0.1), (0.25, -1 / 3)]
)
def test_a_correlation_is_kept_and_so_are_densities(p, correlation):
    _, x = samples_of(
        features="correlated",
        features_correlation=correlation,
        features_size=3,
        n_features=6,
        sparsity=1 - p,
    )
    density, found = correlations(x)
    error = (1 / SAMPLES) ** 0.5 * max(1, ((1 - p) / p) ** 0.5, (p / (1 - p)) ** 0.5)
    assert is_near(density, p, (p * (1 - p) / SAMPLES) ** 0.5)
    within = found[0, :3, :3][~torch.eye(3, dtype=torch.bool)]
    assert is_near(within, correlation, error)
    assert is_near(found[0, :3, 3:], 0, error)


def test_a_correlation_of_one_or_the_least_is_all_or_none_or_one_at_most():
    given = {"features": "correlated", "features_size": 2, "n_features": 4, "sparsity": 0.6}
    _, together = samples_of(**given, features_correlation=1.0)
    pairs = (together != 0)[0].view(2, 2, -1)
    assert bool((pairs[:, 0] == pairs[:, 1]).all())
    _, instead = samples_of(**given, features_correlation=-0.4 / 0.6)
    assert not bool((instead != 0)[0].view(2, 2, -1).all(1).any())


def test_exactly_one_of_a_group_where_the_density_is_a_rounded_one():
    S, size = 0.8333333333333333, 6
    p = 1 - S
    given = {"features": "correlated", "features_size": size, "n_features": 12, "sparsity": S}
    _, x = samples_of(**given, features_correlation=-p / (1 - p))
    count = (x != 0)[0].view(2, size, -1).sum(1).double()
    assert is_near(count.mean(-1), 1, 1e-6)
    assert bool((count <= 1).all())


def test_a_power_law():
    _, x = samples_of(features="power_law", features_exponent=0.5, sparsity=0.2, n_features=5)
    p = 0.8 / torch.arange(1, 6).double() ** 0.5
    assert is_near((x != 0).double().mean(-1), p, (p * (1 - p) / SAMPLES) ** 0.5)


def test_a_child_is_present_only_with_its_parent():
    given = {"features_size": 3, "n_features": 6, "sparsity": 0.6}
    _, x = samples_of(features="hierarchical", features_child=[0.3, 1.0], **given)
    present = (x != 0).view(2, 2, 3, -1)
    parents, children = present[:, :, :1], present[:, :, 1:]
    assert not bool((children & ~parents).any())
    assert is_near(parents.double().mean(-1), 0.4, (0.24 / SAMPLES) ** 0.5)
    assert is_near(children[0].double().mean(-1), 0.12, (0.1056 / SAMPLES) ** 0.5)
    assert bool((children[1] == parents[1]).all())


@pytest.mark.parametrize("active", [1, 2, 5])
def test_exactly_so_many_features_are_present(active):
    settings, x = samples_of(features="exactly", features_active=active, n_features=5)
    assert settings.sparsity is None
    present = x != 0
    assert bool((present.sum(1) == active).all())
    p = active / 5
    assert is_near(present.double().mean(-1), p, (p * (1 - p) / SAMPLES) ** 0.5)


@pytest.mark.parametrize("S", [0, 0.5, 1 - 2**-20])
def test_one_feature_at_least_is_present(S):
    n = 4
    _, x = samples_of(features="at_least_one", sparsity=S, n_features=n)
    count = (x != 0)[0].sum(0)
    assert bool((count > 0).all())
    some = 1 - S**n
    p = (1 - S) / some
    assert is_near((x != 0).double().mean(-1), p, (p * (1 - p) / SAMPLES) ** 0.5)
    alone = n * (1 - S) * S ** (n - 1) / some
    assert is_near((count == 1).double().mean(), alone, (alone * (1 - alone) / SAMPLES) ** 0.5)


KINDS = {
    "independent": {"sparsity": [0.0, 0.9]},
    "explicit": {"features_sparsity": [0.0, 0.5, 0.7, 0.9, 0.95, 0.99]},
    "correlated": {"features_correlation": [0.0, 0.5, 1.0]},
    "anticorrelated": {"features": "correlated", "features_correlation": -0.1, "sparsity": 0.8},
    "hierarchical": {"features_child": [0.2, 0.9]},
    "exactly": {"features_active": 2},
    "at_least_one": {"sparsity": [0.5, 0.99]},
    "power_law": {"features_exponent": [0.5, 1.0]},
}


@pytest.mark.parametrize("task", ["identity", "abs"])
@pytest.mark.parametrize("kind", KINDS)
def test_variance_and_density_are_those_of_samples(kind, task):
    given = {"features": kind, "n_features": 6, "magnitude": "uniform", "magnitude_low": [-0.5, 0]}
    settings, x = samples_of(**given | KINDS[kind], model="untied", model_task=task)
    target = target_of(task)(x)
    mean = target.mean(-1, keepdim=True)
    own = variance(settings, settings.grid.points)
    centred = (target - mean).square()
    assert is_near(centred.mean(-1), own, centred.std(-1) / SAMPLES**0.5 + 1e-9)
    features = numbers_of([row for row, _ in rows(settings, settings.grid.points)])
    p = presence(settings, features).density
    assert is_near((x != 0).double().mean(-1), p, (p * (1 - p) / SAMPLES).sqrt())


ALONG = KINDS | {
    "low": {"magnitude": "uniform", "magnitude_low": [-1.0, 0.5]},
    "high": {"magnitude": "uniform", "magnitude_high": [0.5, 2.0]},
    "value": {"magnitude": "fixed", "magnitude_value": [0.5, 1.0]},
    "scale": {"magnitude": "half_normal", "magnitude_scale": [0.5, 1.0]},
    "scale of a normal": {"magnitude": "normal", "magnitude_scale": [0.5, 1.0]},
    "scale of an exponential": {"magnitude_scale": [0.5, 1.0]},
    "finite": {"dataset_size": 128, "sparsity": [0.5, 0.9]},
    "finite, less than a batch": {"dataset_size": 16, "magnitude_scale": [0.5, 1.0]},
}


@pytest.mark.parametrize("kind", ALONG)
def test_an_instance_never_notices_its_neighbours(kind, monkeypatch):
    monkeypatch.setattr(plain_samples, "BATCHES", 8)
    given: dict[str, Any] = {"n_features": 6, "n_hidden": 3, "steps": 40, "batch_size": 64}
    given |= {"engine": "eager", "magnitude": "exponential"}
    given |= {"features": kind} if kind in KINDS else {}
    given |= {key: value for key, value in ALONG[kind].items() if not isinstance(value, list)}
    axes: dict[str, Any] = {
        key: value for key, value in ALONG[kind].items() if isinstance(value, list)
    }
    stacked = sup.train(**given | axes, seed=[0, 1])
    own: dict[str, Any] = {
        key: value if key == "features_sparsity" else value[-1] for key, value in axes.items()
    }
    alone = sup.train(**given | own, seed=1)
    last = stacked.sel(seed=1)
    last = last.isel({dim: -1 for dim in own if dim in last.dims})
    for name in ("W", "b", "loss", "explained"):
        np.testing.assert_allclose(last[name].values, alone[name].values, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"features_size": 4}, "features.size=4: must divide n_features=10"),
        ({"features_correlation": -0.5, "sparsity": 0.9}, "features.correlation=-0.5: must be at"),
        ({"features_correlation": -0.1, "sparsity": 0.3}, "must be at least 0 at a density of 0.7"),
        (
            {"features_correlation": -0.1, "sparsity": 0.3},
            r"in groups of 2: below it is not offered above 1/2",
        ),
    ],
)
def test_groups_that_cannot_be_are_refused(given, message):
    with pytest.raises(sup.SettingError, match=message):
        sup.train(features="correlated", **given)


@pytest.mark.parametrize(
    "given",
    [
        {"features": "hierarchical", "features_child": 1e-12},
        {"features": "hierarchical", "features_child": [0.5, 2e-4], "sparsity": 1 - 2**-12},
        {"features": "power_law", "features_exponent": 9.0},
    ],
)
def test_a_feature_that_no_word_makes_present_is_refused(given):
    with pytest.raises(sup.SettingError, match=r"features=.*: a feature would be .*2\^-24"):
        sup.train(**given, n_features=10, n_hidden=2, steps=2)


def test_every_sparsity_of_a_sweep_is_checked_before_anything_is_trained(tmp_path):
    given = {"features": "correlated", "features_correlation": -0.2, "steps": 2}
    runs = [sup.Settings(**given, sparsity=S) for S in (0.8, 0.3)]
    with pytest.raises(sup.SettingError, match=r"must be at least 0 at a density of 0\.7"):
        sup.train(runs, directory=tmp_path / "sweep")
    assert not (tmp_path / "sweep").exists()


def test_a_finite_set_of_samples_comes_again_and_again():
    given = {"n_features": 4, "n_hidden": 2, "steps": 300, "sparsity": 0.5, "engine": "eager"}
    few = sup.train(**given, dataset_size=8, batch_size=1024)
    many = sup.train(**given, dataset_size=2048, batch_size=1024)
    # Eight samples are learned by heart: they say little about others.
    assert float(few["training_loss"][-1]) < 0.5 * float(few["loss"])
    assert float(many["loss"]) < float(few["loss"])
    (stack,) = [Stack.of([Run(sup.Settings(**given, dataset_size=6, batch_size=2), None, "run")])]
    data = stack.data()
    assert (data.batch_size, data.period) == (2, 3)
    with pytest.raises(sup.SettingError, match="dataset_size=7: must be at most batch_size=2"):
        sup.Settings(dataset_size=7, batch_size=2)
