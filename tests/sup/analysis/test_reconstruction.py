"""The share of a feature's variance that is explained, where it is known."""

import numpy as np
import pytest
import torch
from torch import Tensor

import sup
from sup.analysis.phases import FunctionalPhase, Phase, phase_by_function, phase_of
from sup.analysis.reconstruction import explained, features_explained
from sup.analysis.theory import feature_variance
from sup.model.activations import GELU, Activation, Linear, StackedActivation, Tanh
from sup.model.autoencoder import StackedAutoencoder
from sup.training.evaluation import evaluate


def explained_by(W: Tensor, b: Tensor, activation: Activation, p: float) -> Tensor:
    """Return R2 of each feature of one model, ``[feature]``."""
    density = torch.full((1, len(b)), p, dtype=torch.float64)
    models = StackedAutoencoder(W[None].double(), StackedActivation([(activation, 1)]))
    models.b.data = b[None].double()
    places = torch.zeros(1, dtype=torch.int64)
    found = evaluate(models, density, torch.ones_like(density), lambda *_: [(activation, places)])
    return explained(found.squared_error, torch.as_tensor(feature_variance(density)))[0]


@pytest.mark.parametrize("p", [1.0, 0.3, 1e-4])
def test_linear_models_at_their_optimum(p: float):
    W, b = torch.eye(2, 3), torch.tensor([0, 0, p / 2], dtype=torch.float64)
    R2 = explained_by(W, b, Linear(), p)
    assert R2.tolist() == pytest.approx([1, 1, 0], abs=1e-10)
    assert features_explained(R2).item() == 2


@pytest.mark.parametrize("p", [1.0, 0.3, 1e-4])
def test_guesses(p: float):
    nothing = torch.zeros(1, 2)
    assert explained_by(nothing, torch.full((2,), p / 2).double(), Linear(), p).tolist() == (
        pytest.approx([0, 0], abs=1e-10)
    )
    # E x^2 is p/3, which is more than the variance.
    R2 = explained_by(nothing, torch.zeros(2), Tanh(), p)
    assert R2.tolist() == pytest.approx([1 - (p / 3) / (p / 3 - p**2 / 4)] * 2)
    assert features_explained(R2).item() == 0


@pytest.mark.parametrize(
    ("w", "b", "left"),
    [
        ((1.06616, 0.41432), (-0.00856, 0.03156), 0.98915),
        ((1.10320, -1.10320), (0.00615, 0.00615), 0.19702),
    ],
    ids=["aligned", "antipodal"],
)
def test_two_pairs_of_gelu_that_weights_call_superposition(w, b, left):
    """The optima of either sign at p = .05, r = 1; `left` of the variance of one feature."""
    R2 = explained_by(torch.tensor([w]), torch.tensor(b), GELU(), 0.05)
    assert (1 - R2).sum().item() == pytest.approx(left, abs=1e-5)
    phase = Phase(phase_of(np.array([w])).item())
    by_function = FunctionalPhase(phase_by_function(R2.numpy()).item())
    assert phase == Phase.SUPERPOSITION
    assert (by_function == FunctionalPhase.BOTH) == (left < 0.5)


def test_results_hold_it(make_run, train_runs):
    shape = ("n_features=4", "n_hidden=2", "activation=linear", "importance.decay=0.5")
    (results,) = train_runs(make_run("sparsity=[0,0.9]", "seed=[0,1]", "steps=2000", *shape))
    R2 = results["explained"]
    assert R2.dims == ("sparsity", "seed", "feature")
    assert R2.values[..., :2].min() > 0.98
    assert abs(R2.values[..., 2:]).max() < 0.02
    assert (results["features_explained"] == 2).all()
    importance = 0.5 ** results["feature"]
    variance = (1 - results["sparsity"]) / 3 - (1 - results["sparsity"]) ** 2 / 4
    again = (importance * variance * (1 - R2)).sum("feature")
    assert again.values == pytest.approx(results["loss"].transpose(*again.dims).values, rel=1e-5)


def test_each_feature_has_the_variance_of_its_own_density(make_run, train_runs):
    shape = ("n_features=4", "n_hidden=1", "activation=linear", "features=explicit")
    run = make_run("features.sparsity=[0.5,0,0.999,0.9]", "steps=1", "optimizer.lr=1e-12", *shape)
    (results,) = train_runs(run)
    W, b = (torch.tensor(results[name].values).double() for name in ("W", "b"))
    p = torch.tensor([0.5, 1, 0.001, 0.1], dtype=torch.float64)
    A = W.mT @ W - torch.eye(4)
    error = (A @ (p / 2) + b).square() + A.square() @ (p / 3 - p**2 / 4)
    expected = 1 - error / (p / 3 - p**2 / 4)
    assert results["explained"].values == pytest.approx(expected.tolist(), rel=0.02, abs=0.01)


def test_a_model_that_has_diverged_explains_nothing_that_is_known():
    results = sup.train(steps=30, optimizer_lr=1e30)
    assert results["explained"].isnull().all()
    assert results["features_explained"].isnull().all()


def test_phases_by_function():
    R2 = torch.tensor([[0.9, 0.1], [0.9, 0.8], [0.1, 0.9], [0.2, 0.1], [torch.nan, 0.9]]).numpy()
    assert phase_by_function(R2).tolist() == [
        FunctionalPhase.NOT_RECONSTRUCTED,
        FunctionalPhase.BOTH,
        FunctionalPhase.ALONE,
        FunctionalPhase.NEITHER,
        -1,
    ]
