"""What the loss promises, whatever the sizes, settings and weights: properties of one step."""

from dataclasses import dataclass, fields

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from sup.config.options import OPTIONS, part_of
from sup.model.activations import ReLU, StackedActivation
from sup.model.autoencoder import StackedAutoencoder, reconstruction_loss
from sup.model.closed_form import elementwise_product, loss_and_gradient

ACTIVATIONS = sorted(OPTIONS["activation"].keys() - {"groups"})
"""All to which features are alike: groups tell them apart by their place."""


@dataclass
class Problem:
    """Random models and inputs in float64: ``[instance, hidden, feature, batch]``."""

    W: Tensor
    b: Tensor
    x: Tensor
    importance: Tensor

    @classmethod
    def of(cls, seed: int, n: int, m: int, K: int = 2, B: int = 6, density: float = 0.6):
        generator = torch.Generator().manual_seed(seed)
        W = torch.randn(K, m, n, generator=generator, dtype=torch.float64)
        b = 0.3 * torch.randn(K, n, generator=generator, dtype=torch.float64)
        u = torch.rand(K, n, B, generator=generator, dtype=torch.float64)
        importance = torch.rand(K, n, generator=generator, dtype=torch.float64)
        return cls(W, b, torch.where(u < density, u / density, 0), importance)

    @property
    def cost(self) -> Tensor:
        return self.importance[..., None] / self.x.shape[-1]

    def loss_and_gradient(self, activation, **options):
        return loss_and_gradient(self.W, self.b, self.x, self.cost, activation, **options)

    def permuted(self, order: Tensor) -> "Problem":
        """Name the features in another order."""
        columns = self.W[:, :, order], self.b[:, order], self.x[:, order]
        return Problem(*columns, self.importance[:, order])


def made(name: str):
    return part_of("activation", name).make()


def by_autograd(problem: Problem, activation) -> tuple[Tensor, Tensor, Tensor]:
    models = StackedAutoencoder(problem.W, StackedActivation([(activation, len(problem.W))]))
    models.b.data = problem.b
    losses = reconstruction_loss(problem.x, models(problem.x), problem.cost)
    dW, db = torch.autograd.grad(losses.sum(), [models.W, models.b])
    return losses.detach(), dW, db


def close(one: Tensor, other: Tensor, to: float = 1e-10) -> bool:
    """Compare by the largest number, as sums of large ones may come to nearly nothing."""
    return bool((one - other).abs().max() <= to * (1 + other.abs().max()))


activations = st.sampled_from(ACTIVATIONS)
problems = st.builds(
    Problem.of,
    seed=st.integers(0, 2**31),
    n=st.integers(1, 6),
    m=st.integers(1, 6),
    K=st.integers(1, 3),
    density=st.floats(0.05, 1),
)
pairs = st.builds(Problem.of, seed=st.integers(0, 2**31), n=st.just(2), m=st.integers(1, 2))


@given(problem=problems, name=activations)
def test_the_loss_is_its_definition_and_never_negative(problem: Problem, name: str):
    losses, _, _ = problem.loss_and_gradient(made(name))
    assert (losses >= 0).all()
    for k, loss in enumerate(losses.tolist()):
        W, b, x = problem.W[k], problem.b[k], problem.x[k]
        z = torch.stack([W.T @ (W @ sample) + b for sample in x.T], 1)
        error = (x - made(name)(z[None])[0]).square().mean(1)
        assert loss == pytest.approx(float(problem.importance[k] @ error), rel=1e-10)


@given(problem=problems, name=activations)
def test_written_out_gradients_are_those_of_autograd(problem: Problem, name: str):
    for product in (torch.bmm, elementwise_product):
        ours = problem.loss_and_gradient(made(name), product=product)
        for own, exact in zip(ours, by_autograd(problem, made(name)), strict=True):
            assert close(own, exact)


@pytest.mark.parametrize("name", ACTIVATIONS)
@pytest.mark.parametrize("seed", range(3))
def test_written_out_gradients_are_those_of_finite_differences(name: str, seed: int):
    problem, h = Problem.of(seed, n=5, m=3), 1e-5
    generator = torch.Generator().manual_seed(seed + 100)
    by_W, by_b = (
        torch.randn(own.shape, generator=generator, dtype=torch.float64)
        for own in (problem.W, problem.b)
    )

    def moved(by: float) -> Tensor:
        W, b = problem.W + by * by_W, problem.b + by * by_b
        return Problem(W, b, problem.x, problem.importance).loss_and_gradient(made(name))[0]

    _, dW, db = problem.loss_and_gradient(made(name))
    along = (dW * by_W).sum((1, 2)) + (db * by_b).sum(1)
    assert close((moved(h) - moved(-h)) / (2 * h), along, to=1e-6)


@given(problem=problems, name=activations, seed=st.integers(0, 2**31))
def test_another_order_of_features_is_the_same_model(problem: Problem, name: str, seed: int):
    order = torch.randperm(problem.W.shape[-1], generator=torch.Generator().manual_seed(seed))
    loss, dW, db = problem.loss_and_gradient(made(name))
    other, other_dW, other_db = problem.permuted(order).loss_and_gradient(made(name))
    assert close(other, loss)
    assert close(other_dW, dW[:, :, order])
    assert close(other_db, db[:, order])


@given(problem=problems, name=activations, seed=st.integers(0, 2**31))
def test_rotated_hidden_directions_are_the_same_model(problem: Problem, name: str, seed: int):
    m = problem.W.shape[1]
    generator = torch.Generator().manual_seed(seed)
    Q = torch.linalg.qr(torch.randn(m, m, generator=generator, dtype=torch.float64)).Q
    loss, dW, db = problem.loss_and_gradient(made(name))
    turned = Problem(Q @ problem.W, problem.b, problem.x, problem.importance)
    other, other_dW, other_db = turned.loss_and_gradient(made(name))
    assert close(other, loss)
    assert close(other_dW, Q @ dW)
    assert close(other_db, db)


@given(problem=pairs, name=activations, ratio=st.floats(0.05, 20))
def test_two_features_swap_their_importances(problem: Problem, name: str, ratio: float):
    """``L(r) = r L(1/r)`` with the features swapped, so the optima have this symmetry too."""
    problem.importance = torch.tensor([[1, ratio]], dtype=torch.float64).expand(len(problem.W), -1)
    swapped = problem.permuted(torch.tensor([1, 0]))
    swapped.importance = torch.tensor([[1, 1 / ratio]], dtype=torch.float64).expand(
        len(problem.W), -1
    )
    loss, _, _ = problem.loss_and_gradient(made(name))
    other, _, _ = swapped.loss_and_gradient(made(name))
    assert close(loss, ratio * other)


@given(problem=problems, name=activations, factor=st.floats(0.01, 100))
def test_importance_weighs_the_loss_and_its_gradient_alike(
    problem: Problem, name: str, factor: float
):
    heavier = Problem(problem.W, problem.b, problem.x, factor * problem.importance)
    for own, more in zip(
        problem.loss_and_gradient(made(name)), heavier.loss_and_gradient(made(name)), strict=True
    ):
        assert close(factor * own, more)


@given(problem=problems, name=activations, seed=st.integers(0, 2**31))
def test_an_instance_never_notices_its_neighbours(problem: Problem, name: str, seed: int):
    n, m = problem.W.shape[-1], problem.W.shape[1]
    others = Problem.of(seed, n, m, K=2)
    others.W[0] = torch.nan
    together = Problem(
        *(
            torch.cat([getattr(one, field) for one in (others, problem)])
            for field in ("W", "b", "x", "importance")
        )
    )
    alone = problem.loss_and_gradient(made(name))
    for own, beside in zip(alone, together.loss_and_gradient(made(name)), strict=True):
        assert close(own, beside[2:])


@pytest.mark.parametrize(("dtype", "device"), [(torch.float64, "cpu"), (torch.float32, "meta")])
def test_a_model_starts_without_bias_in_the_precision_and_place_of_its_weights(dtype, device):
    W = torch.ones(2, 3, 5, dtype=dtype, device=device)
    b = StackedAutoencoder(W, StackedActivation([(made("relu"), 2)])).b
    assert (b.shape, b.dtype, b.device) == ((2, 5), W.dtype, W.device)
    assert device == "meta" or (b == 0).all()


@given(
    seed=st.integers(0, 2**31),
    rows=st.integers(1, 5),
    inner=st.integers(1, 12),
    B=st.integers(1, 5),
)
def test_the_elementwise_product_is_the_product(seed: int, rows: int, inner: int, B: int):
    generator = torch.Generator().manual_seed(seed)
    one = torch.randn(2, rows, inner, generator=generator, dtype=torch.float64)
    other = torch.randn(2, inner, B, generator=generator, dtype=torch.float64)
    assert close(elementwise_product(one, other), one @ other)


@pytest.mark.parametrize("K", [1, 4])
def test_another_number_of_threads_changes_the_last_digits_at_most(K: int):
    """Not none of them: for few models, the matrix library adds in an order that depends on it."""
    problem = Problem.of(0, n=10, m=5, K=K, B=1024)
    problem = Problem(*(getattr(problem, field.name).float() for field in fields(problem)))
    before, found = torch.get_num_threads(), []
    try:
        for threads in (1, 2):
            torch.set_num_threads(threads)
            found.append(problem.loss_and_gradient(made("relu")))
    finally:
        torch.set_num_threads(before)
    for one, other in zip(*found, strict=True):
        assert (one - other).norm() <= 1e-6 * one.norm()


def test_gradients_are_written_where_they_are_and_somewhere_at_first():
    models = StackedAutoencoder(torch.ones(3, 2, 4), StackedActivation([(ReLU(), 3)]))
    by_W, by_b = models.gradients()
    assert models.W.grad is by_W
    assert models.b.grad is by_b
    assert (by_W.shape, by_b.shape) == ((3, 2, 4), (3, 4))
    again = models.gradients()
    assert again[0] is by_W
    assert again[1] is by_b


def test_models_minimise_the_loss_of_what_they_make_of_inputs():
    models = StackedAutoencoder(torch.eye(2, 3)[None], StackedActivation([(ReLU(), 1)]))
    x = torch.tensor([[[0.5, 1.0], [0.25, 0.0], [0.5, 0.25]]])  # the third feature is dropped
    (loss,) = models.losses(x, torch.tensor([[[1.0], [1.0], [2.0]]]) / 2).tolist()
    assert loss == pytest.approx(2 * (0.25 + 0.0625) / 2)  # the mean of two samples
