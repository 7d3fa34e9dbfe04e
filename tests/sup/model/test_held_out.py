"""Held-out samples have the distribution of the inputs, however sparse, and tell their error."""

import pytest
import torch

import sup
from sup.analysis.theory import linear_population_loss
from sup.model.held_out import HeldOut, first_present


@pytest.mark.parametrize("density", [[0.01] * 4, [0.3, 0.5, 0.9], [1.0, 0.2], [0.2, 1.0, 1.0]])
def test_moments_are_those_of_independent_features(density):
    p = torch.tensor([density])
    moments = {"x": [], "x^2": [], "pairs": []}
    for x, weight in HeldOut(p):
        own, w = x[0].double(), weight[0].double()
        assert weight.sum().item() == pytest.approx(1)
        assert (own[:, -1] == 0).all()
        assert ((own >= 0) & (own <= 1)).all()
        moments["x"].append(own @ w)
        moments["x^2"].append(own.square() @ w)
        moments["pairs"].append((own[0] * own[1] * w).sum())
    p = p[0].double()
    expected = {"x": p / 2, "x^2": p / 3, "pairs": p[0] * p[1] / 4}
    for name, values in moments.items():
        mean, spread = torch.stack(values).mean(0), torch.stack(values).std(0) / len(values) ** 0.5
        assert ((mean - expected[name]).abs() < 5 * spread + 1e-4 * expected[name]).all(), name


def test_which_feature_is_the_first():
    any_present, first = first_present(torch.tensor([[0.5, 0.5], [1.0, 0.3]]))
    assert any_present.tolist() == pytest.approx([0.75, 1])
    assert first.tolist() == [pytest.approx([2 / 3, 1 / 3]), pytest.approx([1, 0])]


@pytest.mark.parametrize("decay", [1.0, 0.9])
def test_the_loss_is_within_a_percent_at_every_sparsity_and_says_its_error(decay):
    sparsities = [0, 0.5, 0.9, 0.99, 0.999, 0.9999]
    linear = {"activation": "linear", "steps": 20, "batch_size": 64, "importance_decay": decay}
    results = sup.train(sparsity=sparsities, **linear)
    W, b = (torch.tensor(results[name].values) for name in ("W", "b"))
    density = 1 - torch.tensor(sparsities, dtype=torch.float64)
    importance = decay ** torch.arange(10.0).expand(len(sparsities), -1)
    exact = linear_population_loss(W, b, density, importance)
    loss, error = (torch.tensor(results[name].values) for name in ("loss", "loss_error"))
    assert (error / exact < 0.005).all()
    assert ((loss / exact - 1).abs() < 0.01).all()
    assert ((loss - exact).abs() < 5 * error + 1e-4 * exact).all()


def test_the_rarest_features_that_are_allowed():
    rarest = {"sparsity": 1 - 2**-24, "activation": "linear", "steps": 20, "batch_size": 64}
    results = sup.train(**rarest)
    W, b = (torch.tensor(results[name].values)[None] for name in ("W", "b"))
    density = torch.tensor([2.0**-24], dtype=torch.float64)
    exact = linear_population_loss(W, b, density, 0.9 ** torch.arange(10.0)[None])
    assert results["loss"].item() == pytest.approx(exact.item(), rel=0.01)


def test_quadrature_has_no_error_of_sampling():
    exact = {"data": "quadrature", "n_features": 2, "n_hidden": 1, "steps": 20}
    assert sup.train(**exact)["loss_error"].item() == 0


def test_no_number_on_the_device_is_float64(monkeypatch):
    """An Apple GPU has none; torch's meta device stands for it, and holds no numbers at all."""
    from torch.utils._python_dispatch import TorchDispatchMode

    from sup.model.activations import ReLU, StackedActivation
    from sup.model.autoencoder import StackedAutoencoder
    from sup.model.inputs import Inputs
    from sup.training.evaluation import held_out_loss

    class NoFloat64(TorchDispatchMode):
        def __torch_dispatch__(self, func, types, args=(), kwargs=None):
            result = func(*args, **kwargs or {})
            if torch.is_tensor(result) and result.device.type == "meta":
                assert result.dtype != torch.float64, func
            return result

    def without_numbers(tensor: torch.Tensor) -> torch.Tensor:
        return torch.full(tensor.shape, 0.5, dtype=tensor.dtype)

    meta = torch.device("meta")
    monkeypatch.setattr(torch.Tensor, "cpu", without_numbers)
    with NoFloat64():
        W = torch.empty(3, 2, 5, device=meta)
        models = StackedAutoencoder(W, StackedActivation([(ReLU(), 3)]))
        first, density = torch.zeros(3, dtype=torch.long), torch.full((1, 5), 0.5).double()
        inputs = Inputs(first[:1], density, first).to(meta)
        loss, error = held_out_loss(models, inputs, torch.empty(3, 5, device=meta))
    assert loss.dtype == error.dtype == torch.float64
