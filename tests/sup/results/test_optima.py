"""What results say of the optimum, of runs with one."""

import logging

import numpy as np
import pytest
import torch

import sup
from sup.analysis.phases import phase_of
from sup.results import optima

SMALL = {"n_features": 2, "n_hidden": 1, "data": "quadrature", "steps": 800, "engine": "eager"}
RELATIVE = "sup.model.importance.relative"


@pytest.fixture(scope="module")
def trained():
    return sup.train(
        activation=["linear", "relu", "gelu"],
        importance=sup.Part(RELATIVE, {"ratio": [0.3, 1.0, 3.0]}),
        sparsity=[0.0, 0.5, 0.95],
        seed=[0, 1, 2],
        **SMALL,
    )


def test_no_trained_model_is_better_than_its_optimum(trained):
    assert (trained["loss_gap"] > -1e-9).all()
    exact = trained["optimum_loss"] * (1 + trained["loss_gap"])
    assert np.allclose(trained["loss"], exact, rtol=2e-2)  # but for the nodes that it trained by
    assert trained["loss_gap"].min("seed").median() < 1e-3


def test_the_optimum_knows_nothing_of_the_seed(trained):
    for name in ("optimum_loss", "optimum_phase"):
        assert (trained[name] == trained[name].isel(seed=0)).all()


def test_phases_of_the_optimum_are_those_of_its_weights(trained):
    linear = trained["optimum_phase"].sel(activation="linear")
    assert (linear.sel(importance_ratio=0.3) == 0).all()
    assert (linear.sel(importance_ratio=3.0) == 2).all()
    sparse = trained.sel(activation="relu", sparsity=0.95)
    assert (sparse["optimum_phase"] == 1).all()
    settings = sup.Settings(
        activation="relu",
        importance=sup.Part(RELATIVE, {"ratio": [0.3, 3.0]}),
        sparsity=[0.0, 0.95],
        **SMALL,
    )
    (alike,) = optima.optima_of(settings)
    assert alike.places.tolist() == [0, 1, 2, 3]
    assert phase_of(alike.optimum.W.numpy()).tolist() == [0, 1, 2, 1]
    assert alike.optimum.b.shape == (4, 2)


def test_linear_models_of_any_size_have_an_optimum_and_no_others_of_four_features():
    given = {"n_features": 6, "n_hidden": 2, "steps": 20, "sparsity": [0.0, 0.9]}
    linear = sup.train(activation="linear", **given)
    worth = 0.9 ** np.arange(6)
    p = 1 - linear["sparsity"].values
    expected = (p / 3 - p**2 / 4) * np.sort(worth)[:-2].sum()
    assert linear["optimum_loss"].values == pytest.approx(expected)
    assert (linear["loss_gap"] > 0).all()
    assert "optimum_phase" not in linear
    assert not {"optimum_loss", "loss_gap"} & set(sup.train(activation="relu", **given))


def test_enough_dimensions_leave_no_loss_to_compare_with():
    found = sup.train(activation="linear", n_features=2, n_hidden=2, steps=20)
    assert found["optimum_loss"].item() == 0
    assert np.isnan(found["loss_gap"].item())


def test_parameters_of_an_activation_have_optima_of_their_own():
    slopes = [0.0, 0.5, 1.0]
    leaky = sup.Part("torch.nn.functional.leaky_relu", {"negative_slope": 0.3}, name="leaky")
    celu = sup.Part("torch.nn.functional.softplus", {"beta": 2.0}, name="soft")
    given = {"n_features": 2, "n_hidden": 1, "steps": 20, "sparsity": 0.5}
    for part in (leaky, celu):
        found = sup.train(activation=part, **given)
        assert found["optimum_loss"].item() > 0
    own = sup.Part(Leaky, {"slope": slopes}, name="mine")
    losses = sup.train(activation=own, **given)["optimum_loss"].values
    assert losses[0] < losses[1] < losses[2]
    relu, linear = (sup.train(activation=name, **given) for name in ("relu", "linear"))
    assert losses[0] == pytest.approx(relu["optimum_loss"].item(), rel=1e-9)
    assert losses[2] == pytest.approx(linear["optimum_loss"].item(), rel=1e-9)


class Leaky:
    """A leaky ReLU whose slope may be an axis."""

    def __init__(self, slope):
        self.slope = slope

    def __call__(self, z):
        return torch.where(z > 0, z, self.slope * z)


def single(z):
    """Refuse what is not in single precision."""
    if z.dtype != torch.float32:
        raise TypeError("float32 only")
    return z.tanh()


def test_an_activation_without_double_precision_keeps_its_results(caplog):
    with caplog.at_level(logging.WARNING, "sup"):
        found = sup.train(activation=single, n_features=2, n_hidden=1, steps=20)
    assert np.isfinite(found["loss"].item())
    assert "optimum_loss" not in found
    assert "no optimum of single: TypeError: float32 only" in caplog.text


def test_what_is_known_is_not_sought_again(monkeypatch, caplog):
    monkeypatch.setattr(optima, "LONG", 0.0)
    given = {"n_features": 2, "n_hidden": 1, "steps": 20, "sparsity": [0.123, 0.9]}
    with caplog.at_level(logging.INFO, "sup.results"):
        for seed in ([0, 1], 2):
            sup.train(activation="tanh", seed=seed, **given)
        first = [record.message for record in caplog.records if "optima" in record.message]
        sup.train(activation="sigmoid", **given)
        second = [record.message for record in caplog.records if "optima" in record.message]
    assert len(first) == 1
    assert first[0].startswith("optima of 2 settings of tanh found in")
    assert len(second) == 2
