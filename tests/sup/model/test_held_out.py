"""Held-out inputs have the distribution of the inputs, however sparse, and tell their error."""

from itertools import product

import pytest
import torch

import sup
from sup.analysis.theory import linear_population_loss
from sup.model import several as sampling
from sup.model.activations import GELU, Linear, ReLU, SoLU, StackedActivation
from sup.model.autoencoder import StackedAutoencoder
from sup.model.families.smooth import ELU
from sup.model.families.straight import HardSigmoid, JumpReLU
from sup.model.held_out import chances, integrated
from sup.model.population import Population
from sup.model.several import AnyPairs, InterferingPairs, several
from sup.model.smoothness import smoothness_of
from sup.training import evaluation
from sup.training.evaluation import evaluate

DENSITIES = [[0.01] * 4, [0.3, 0.5, 0.9, 0.2, 1e-3], [1.0, 0.2, 0.7, 1.0], [1e-6, 1.0, 0.3, 0.5]]


def weights(n: int) -> torch.Tensor:
    return torch.randn(1, 3, n, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("most", [0, 512], ids=["any pairs", "interfering pairs"])
@pytest.mark.parametrize("density", DENSITIES)
def test_moments_are_those_of_independent_features(density, most, monkeypatch):
    monkeypatch.setattr(sampling, "MOST_PAIRED", most)
    p, n = torch.tensor([density]), len(density)
    W = weights(n)

    def moments(x: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
        own, w = x[0].double(), weight[0].double()
        assert ((own >= 0) & (own <= 1)).all()
        triple = own[:3].prod(0)[None]
        return torch.stack([own, own.square(), own * own.roll(1, 0), triple.expand_as(own)]) @ w

    _, alone = chances(p.double())
    exact = torch.stack([alone[0] / 2, alone[0] / 3, 0 * alone[0], 0 * alone[0]])
    batches = torch.stack([moments(*one) for one in several(W, p, torch.ones(1, n))])
    found, error = exact + batches.mean(0), batches.std(0) / len(batches) ** 0.5
    p = p[0].double()
    triple = (p[:3].prod() / 8).expand_as(p)
    expected = torch.stack([p / 2, p / 3, p * p.roll(1) / 4, triple])
    assert ((found - expected).abs() < 5 * error + 1e-5 * expected).all()
    # Even the rarest are seen: what no sample holds would have no error at all.
    assert ((found / expected - 1).abs() < 0.2).all()


@pytest.mark.parametrize("density", DENSITIES)
def test_the_number_of_present_features_has_its_probability(density):
    p, n = torch.tensor([density], dtype=torch.float64), len(density)
    none, one = chances(p)
    subsets = torch.tensor(list(product([False, True], repeat=n)))
    chance = torch.where(subsets, p, 1 - p).prod(-1)
    assert none.item() == pytest.approx(chance[subsets.sum(-1) == 0].item())
    for j in range(n):
        alone = (subsets.sum(-1) == 1) & subsets[:, j]
        assert one[0, j].item() == pytest.approx(chance[alone].item())
    more = chance[subsets.sum(-1) > 1].sum().item()
    batches = list(several(weights(n), p.float(), torch.ones(1, n)))
    assert all(((x > 0).sum(1) >= 2).all() for x, _ in batches)
    found = torch.stack([weight.sum() for _, weight in batches])
    assert found.mean().item() == pytest.approx(more, rel=0.01)


@pytest.mark.parametrize("density", DENSITIES)
def test_pairs_are_proposed_as_often_as_is_said(density):
    p = torch.tensor([density], dtype=torch.float64)
    n = len(density)
    places = (torch.arange(200) + 0.5) / 200
    place = torch.cartesian_prod(places, places).T.double()
    for pairs in (InterferingPairs(weights(n), p, torch.ones(1, n)), AnyPairs(weights(n), p)):
        i, j, value = pairs.chosen(place)
        assert ((value >= 0) & (value <= 1)).all()
        assert (i != j).all()
        for first, second in torch.combinations(torch.arange(n)).tolist():
            is_pair = ((i == first) & (j == second)) | ((i == second) & (j == first))
            both = torch.zeros(1, n, 1)
            both[:, [first, second]] = 1
            proposed = pairs.ratio(both).item() * p[0, first] * p[0, second]
            assert is_pair.double().mean().item() == pytest.approx(proposed.item(), abs=0.006)


def test_weights_of_zeros_leave_every_pair_its_chance():
    p = torch.full((1, 4), 0.5, dtype=torch.float64)
    pairs = InterferingPairs(torch.zeros(1, 2, 4), p, torch.ones(1, 4))
    assert pairs.ends[0].tolist() == pytest.approx([k / 6 for k in range(1, 7)])


def stacked(W: torch.Tensor, activation, density: torch.Tensor):
    models = StackedAutoencoder(W, StackedActivation([(activation, len(W))]))
    return models, density, torch.ones(W.shape[0], W.shape[2]), everywhere(activation, len(W))


def everywhere(activation, count: int):
    """Return what makes an activation of all of some instances."""
    return lambda device, dtype: [(activation, torch.arange(count))]


@pytest.mark.parametrize("n", [4, 10, 40])
def test_antipodal_pairs_err_only_where_both_are_present(n: int):
    """Two of many features have to meet: few plain samples of many would show it."""
    W = torch.zeros(5, n // 2, n)
    W[:, torch.arange(n // 2), 2 * torch.arange(n // 2)] = 1
    W[:, torch.arange(n // 2), 2 * torch.arange(n // 2) + 1] = -1
    p = 1 - torch.tensor([0, 0.9, 0.99, 0.999, 0.9999], dtype=torch.float64)
    found = evaluate(*stacked(W, ReLU(), p[:, None].expand(-1, n)))
    exact = n * p**2 / 6  # E min(x, y)^2 where both are present, of each feature
    assert (found.loss_error < 0.01 * exact).all()
    assert ((found.loss - exact).abs() < 4 * found.loss_error + 1e-6 * exact).all()
    assert torch.allclose(found.squared_error.sum(-1), found.loss)
    assert ((found.squared_error / (exact / n)[:, None] - 1).abs() < 0.05).all()


@pytest.mark.parametrize(("n", "m"), [(10, 5), (200, 20)])
def test_the_loss_of_linear_models_of_any_weights(n: int, m: int):
    W = torch.randn(5, m, n, generator=torch.Generator().manual_seed(1)) / m**0.5
    p = 1 - torch.tensor([0, 0.9, 0.99, 0.999, 0.9999], dtype=torch.float64)
    models, density, _, made = stacked(W, Linear(), p[:, None].expand(-1, n))
    importance = 0.9 ** torch.arange(float(n)).expand(5, n)
    found = evaluate(models, density, importance, made)
    exact = linear_population_loss(W, torch.zeros(5, n), p[:, None], importance)
    assert (found.loss_error < 0.01 * exact).all()
    assert ((found.loss - exact).abs() < 4 * found.loss_error + 1e-5 * exact).all()


@pytest.mark.parametrize("decay", [1.0, 0.9])
def test_the_loss_is_within_a_percent_at_every_sparsity_and_says_its_error(decay):
    sparsities = [0, 0.5, 0.9, 0.99, 0.999, 0.9999]
    linear = {"activation": "linear", "steps": 20, "batch_size": 64, "importance_decay": decay}
    results = sup.train(sparsity=sparsities, **linear)
    W, b = (torch.tensor(results[name].values) for name in ("W", "b"))
    density = 1 - torch.tensor(sparsities, dtype=torch.float64)
    importance = decay ** torch.arange(10.0).expand(len(sparsities), -1)
    exact = linear_population_loss(W, b, density[:, None], importance)
    loss, error = (torch.tensor(results[name].values) for name in ("loss", "loss_error"))
    assert (error / exact < 0.005).all()
    assert ((loss / exact - 1).abs() < 0.01).all()
    assert ((loss - exact).abs() < 5 * error + 1e-4 * exact).all()


def test_the_rarest_features_that_are_allowed():
    rarest = {"sparsity": 1 - 2**-24, "activation": "linear", "steps": 20, "batch_size": 64}
    results = sup.train(**rarest)
    W, b = (torch.tensor(results[name].values)[None] for name in ("W", "b"))
    density = torch.tensor([2.0**-24], dtype=torch.float64)
    exact = linear_population_loss(W, b, density[:, None], 0.9 ** torch.arange(10.0)[None])
    assert results["loss"].item() == pytest.approx(exact.item(), rel=0.01)


def above(z: torch.Tensor) -> torch.Tensor:
    """Return a user's hinge."""
    return (z - 0.3).clamp(min=0)


KINKED = [ReLU(), JumpReLU(0.2), HardSigmoid(), above, ELU(2.0)]


@pytest.mark.parametrize("activation", [*KINKED, Linear(), GELU(), SoLU()])
def test_single_features_are_integrated_across_their_kinks(activation):
    generator = torch.Generator().manual_seed(0)
    W, b = torch.randn(3, 2, 6, generator=generator), torch.randn(3, 6, generator=generator) / 2
    W, b = 2 * W.double(), b.double()
    density = torch.rand(3, 6, generator=generator).double()
    none, one = chances(density)
    expected = none[:, None] * activation(b[..., None])[..., 0].square()
    axis = (torch.arange(100_000).double() + 0.5) / 100_000
    for k in range(6):
        x = torch.zeros(3, 6, len(axis)).double()
        x[:, k] = axis
        error = activation(W.mT @ (W @ x) + b[..., None]) - x
        expected += one[:, k, None] * error.square().mean(-1)
    found = integrated(W, b, density, activation, smoothness_of(activation, 6))
    jump = 2e-5 if isinstance(activation, JumpReLU) else 1e-7  # which midpoints miss by a half
    assert found.flatten().tolist() == pytest.approx(
        expected.flatten().tolist(), rel=jump, abs=2e-9
    )


@pytest.mark.parametrize("density", [0.1, 0.001])
@pytest.mark.parametrize(
    ("activation", "size", "bias"),
    [(JumpReLU(0.2), 1.0, 0.0), (HardSigmoid(), 2.2, -3.5), (above, 1.1, 0.2)],
)
def test_the_loss_of_five_pairs_is_five_times_that_of_one(activation, size, bias, density):
    W, p = torch.zeros(1, 5, 10), torch.full((1, 10), density).double()
    W[0, torch.arange(5), torch.arange(0, 10, 2)] = size
    W[0, torch.arange(5), torch.arange(1, 10, 2)] = -size
    made = stacked(W, activation, p)
    made[0].b.data.fill_(bias)
    found = evaluate(*made)
    pair = (W[:, :1, :2].double(), torch.full((1, 2), bias).double(), p[:, :2])
    exact = 5 * Population.of(activation, 2).squared_error(*pair).sum(-1)
    assert (found.loss_error < 0.01 * exact).all()
    assert ((found.loss - exact).abs() < 4 * found.loss_error + 1e-5 * exact).all()


def test_a_model_never_notices_with_how_many_it_is_evaluated(monkeypatch):
    results = []
    for most in (2**30, 2**20):
        monkeypatch.setattr(evaluation, "AT_ONCE", most)
        results.append(
            sup.train(activation=["relu", "solu"], sparsity=[0, 0.9], seed=[0, 1], steps=20)
        )
    for name in ("loss", "loss_error", "explained"):
        assert results[0][name].equals(results[1][name])


def hinge(z, at):
    """Return what has a kink that may be an axis."""
    return (z - at).clamp(min=0)


@pytest.mark.parametrize("n", [2, 5])
def test_parameters_that_are_axes_are_those_of_their_instances(n: int):
    chosen = {"n_features": n, "n_hidden": 1, "steps": 20, "sparsity": [0, 0.9], "seed": [0, 1]}
    ats = [0.0, 0.1, -0.2]
    together = sup.train(activation=sup.Part(hinge, {"at": ats}, name="hinge"), **chosen)
    for at in ats:
        alone = sup.train(activation=sup.Part(hinge, {"at": at}, name="hinge"), **chosen)
        own = together.sel(activation_at=at)
        for name in ("W", "loss", "explained"):
            assert own[name].values == pytest.approx(alone[name].values, rel=1e-4, abs=1e-5)


def test_an_activation_that_refuses_float64_is_called_with_what_it_was_trained_with():
    def single(z):
        if z.dtype != torch.float32:
            raise TypeError("float32 only")
        return z.relu()

    W = torch.randn(5, 1, 2, generator=torch.Generator().manual_seed(1))
    p = torch.linspace(0.1, 1, 5)[:, None].expand(-1, 2).double()
    found, exact = (evaluate(*stacked(W, one, p)).loss for one in (single, ReLU()))
    assert found.tolist() == pytest.approx(exact.tolist(), rel=1e-6)


@pytest.mark.parametrize("data", ["quadrature", "sampled"])
def test_three_features_have_no_error_of_sampling(data):
    exact = {"data": data, "n_features": 3, "n_hidden": 1, "steps": 20}
    assert sup.train(**exact)["loss_error"].item() == 0


@pytest.mark.parametrize("n", [2, 5])
def test_no_number_on_the_device_is_float64(n, monkeypatch):
    """An Apple GPU has none; torch's meta device stands for it, and holds no numbers at all."""
    from torch.utils._python_dispatch import TorchDispatchMode

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
        W = torch.empty(3, 2, n, device=meta)
        models = StackedAutoencoder(W, StackedActivation([(ReLU(), 3)]))
        density, importance = torch.empty(2, 3, n, device=meta)
        found = evaluate(models, density, importance, everywhere(ReLU(), 3))
    assert found.loss.dtype == found.loss_error.dtype == torch.float64
    assert found.squared_error.dtype == torch.float64
