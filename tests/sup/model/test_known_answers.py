"""What other data and other models must come to, where it is known."""

from typing import Any

import numpy as np
import pytest

import sup

PLAIN = {"importance": "uniform", "activation": "linear", "steps": 400, "batch_size": 256}


def discarded(covariance, hidden):
    """Return the sum of the eigenvalues that so many dimensions have no room for."""
    return float(np.linalg.eigvalsh(covariance)[: len(covariance) - hidden].sum())


@pytest.mark.parametrize("model", ["plain", "untied"])
@pytest.mark.parametrize("has_bias", [True, False])
def test_linear_models_reach_the_discarded_eigenvalues(model, has_bias):
    """Pearson, 1901: of the covariance; of the second moments where there is no bias."""
    p, correlation, n, m = 0.4, 0.6, 6, 2
    group = np.kron(np.eye(2), np.ones((3, 3)))
    covariance = correlation * p * (1 - p) / 4 * group
    np.fill_diagonal(covariance, p / 3 - p**2 / 4)
    wanted = covariance if has_bias else covariance + (p / 2) ** 2
    given: dict[str, Any] = {"model": model}
    if not has_bias:
        given = {"model": model.replace("plain", "tied"), "model_bias": False}
    data = sup.train(
        **PLAIN,
        **given,
        features="correlated",
        features_correlation=correlation,
        features_size=3,
        n_features=n,
        n_hidden=m,
        sparsity=1 - p,
        seed=[0, 1],
    )
    best = discarded(wanted, m)
    assert float(data["loss"].min()) == pytest.approx(best, rel=0.02)
    assert float(data["loss"].min() - best) > -5 * float(data["loss_error"].max())


def test_noise_shrinks_weights_as_ridge_does():
    """Of ``v (1 - w^2)^2 + s^2 w^2`` the least is where ``w^2 = 1 - s^2 / 2 v`` (Bishop, 1995)."""
    p, noise = 0.5, [0.1, 0.2, 0.3]
    v = p / 3 - p**2 / 4
    data = sup.train(
        **PLAIN, model="tied", model_noise=noise, n_features=2, n_hidden=2, sparsity=1 - p
    )
    norms = (data["feature_norm"] ** 2).values
    wanted = 1 - np.array(noise) ** 2 / (2 * v)
    assert norms == pytest.approx(wanted[:, None].repeat(2, 1), abs=0.03)


POLYGONS = {5: (1.17046, -0.28230, 0.068744), 6: (1.32053, -0.61814, 0.048192)}
"""Length, bias and loss of the best regular polygons of six features, by how many have corners."""


def exact_loss(W, b) -> float:
    """Return the loss of ReLU models of features that are present one at a time."""
    nodes, weights = np.polynomial.legendre.leggauss(200)
    x = np.eye(6)[:, :, None] * (nodes + 1) / 2  # [present, feature, node]
    outputs = np.maximum(W.T @ (W @ x) + b[:, None], 0)
    return float((((outputs - x) ** 2).sum(1) @ weights / 2).mean())


@pytest.mark.parametrize("corners", POLYGONS)
def test_one_of_six_features_at_a_time_in_two_dimensions_is_a_polygon(corners, tmp_path):
    """Chen et al., 2023 (arXiv 2310.06301): regular, a critical point whichever it is."""
    angles = 2 * np.pi * np.arange(corners) / corners
    W, b = np.zeros((2, 6)), np.full(6, -1.0)  # what has no corner is never put out
    W[:, :corners] = 1.25 * np.array([np.cos(angles), np.sin(angles)])
    b[:corners] = -0.4
    np.savez(tmp_path / "polygon.npz", W=W, b=b)
    data = sup.train(
        activation="relu",
        importance="uniform",
        features="exactly",
        init="given",
        init_path=str(tmp_path / "polygon.npz"),
        n_features=6,
        n_hidden=2,
        steps=800,
        batch_size=1024,
    )
    length, bias, loss = POLYGONS[corners]
    found = exact_loss(data["W"].values, data["b"].values)
    assert found == pytest.approx(loss, rel=0.005)
    assert float(data["loss"]) == pytest.approx(found, abs=4 * float(data["loss_error"]))
    assert data["feature_norm"][:corners].values == pytest.approx(length, abs=0.02)
    assert data["b"][:corners].values == pytest.approx(bias, abs=0.02)


def test_neurons_compute_absolute_values():
    """Elhage et al., 2022: where there is room, by one for each sign, relu(x) + relu(-x)."""
    data = sup.train(
        activation="relu",
        importance="uniform",
        model="untied",
        model_hidden_activation="relu",
        model_task="abs",
        magnitude="uniform",
        sparsity=0.5,
        n_features=3,
        n_hidden=6,
        steps=600,
        batch_size=256,
        seed=range(4),
    )
    best = data.isel(seed=int(data["loss"].argmin("seed")))
    assert float(best["explained"].min()) > 0.99
    W, D = best["W"].values, best["decoder"].values
    for sign in (-1, 1):
        assert ((sign * W > 0.1) & (D > 0.1)).any(0).all()
