"""The families of activations: known answers, and what each option promises at all its values."""

import math
from typing import Any

import pytest
import torch
from torch import nn

import sup
from sup.config.activations import ACTIVATIONS
from sup.config.options import part_of
from sup.model.activations import FEATURE_AXIS, SoLU
from sup.model.contract import check_activation
from sup.model.expressions import expressions_of
from sup.model.smoothness import smoothness_of

VALUES: dict[str, tuple[str, list[float]]] = {
    "gelu": ("scale", [1.0, 0.3, 5.0]),
    "sigmoid": ("epsilon", [0.0, 0.1, 2.0]),
    "solu": ("temperature", [1.0, 0.2, 3.0]),
    "leaky_relu": ("slope", [0.0, 0.2, 1.0]),
    "softplus": ("beta", [1.0, 0.5, 20.0]),
    "swish": ("beta", [1.0, 0.0, 20.0]),
    "elu": ("alpha", [1.0, 0.0, 2.0]),
    "celu": ("alpha", [1.0, 0.05, 3.0]),
    "jump_relu": ("threshold", [0.0, 0.3, 1.0]),
    "solu_norm": ("scale", [1.0, 0.3, 2.0]),
}
"""A parameter of each family, with values that it is tried at."""

WITHOUT = sorted(ACTIVATIONS.keys() - VALUES.keys() - {"linear", "relu", "silu", "tanh"})
CASES = [*((name, value) for name, (_, values) in VALUES.items() for value in values)]
CASES += [(name, math.nan) for name in WITHOUT]
MIXING = ("solu", "solu_norm", "groups")
ELEMENTWISE = [(name, value) for name, value in CASES if name not in MIXING]

COMPILED = ("sigmoid", "gelu", "solu", "leaky_relu")
"""Whose kernels are compiled each time, a second each; those of the others in slow tests."""


def made(name: str, value: float = math.nan) -> Any:
    """Make an activation with one value of its parameter, if it has one."""
    part = part_of("activation", name)
    return part.make() if math.isnan(value) else part.changed(**{VALUES[name][0]: value}).make()


def trained(activation: Any, **given: Any):
    shared = {"n_features": 4, "n_hidden": 2, "steps": 150, "sparsity": 0.7, "batch_size": 64}
    return sup.train(activation=activation, **shared | given)


def line(count: int = 481) -> torch.Tensor:
    """Return pre-activations of one model of one feature, kinks and both their sides among them."""
    kinks = torch.tensor([-3.0, 0.0, 0.1, 0.3, 1.0, 3.0, 6.0], dtype=torch.float64)
    sides = torch.cat([kinks - 1e-9, kinks + 1e-9])
    return torch.cat([torch.linspace(-8, 8, count).double(), sides]).view(1, 1, -1)


REFERENCES: dict[str, Any] = {
    "gelu": lambda z, scale: z * torch.special.ndtr(scale * z),
    "sigmoid": lambda z, epsilon: (1 + 2 * epsilon) / (1 + torch.exp(-z)) - epsilon,
    "leaky_relu": nn.functional.leaky_relu,
    "softplus": lambda z, beta: torch.log(1 + torch.exp(beta * z)) / beta,
    "swish": lambda z, beta: z / (1 + torch.exp(-beta * z)),
    "elu": nn.functional.elu,
    "celu": nn.functional.celu,
    "jump_relu": lambda z, threshold: z * (z > threshold),
    "squared_relu": lambda z: nn.functional.relu(z) ** 2,
    "abs": torch.abs,
    "relu6": nn.functional.relu6,
    "hard_sigmoid": lambda z: nn.functional.relu6(z + 3) / 6,
    "unit_tanh": lambda z: torch.sigmoid(2 * z),
}


@pytest.mark.parametrize(("name", "value"), ELEMENTWISE)
def test_definitions(name: str, value: float):
    z = line()
    given = () if math.isnan(value) else (value,)
    assert torch.allclose(made(name, value)(z), REFERENCES[name](z, *given), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize(("name", "value"), CASES)
def test_pullback_and_expressions_are_the_gradient_also_beside_kinks(name: str, value: float):
    activation = made(name, value)
    z = line().view(1, 5, -1).requires_grad_()
    y = activation(z)
    g = torch.linspace(-1, 2, z.numel(), dtype=torch.float64).view_as(z)
    is_at_kink = torch.isin(z, torch.tensor([-3.0, 0.0, 3.0, 6.0, value], dtype=z.dtype))
    (expected,) = torch.autograd.grad(y, z, g)
    own = activation.pullback(z.detach(), y.detach(), g)
    assert torch.allclose(own[~is_at_kink], expected[~is_at_kink], rtol=1e-9, atol=1e-12)
    if expressions := expressions_of(activation):
        written, slope = expressions(z.detach())
        assert torch.allclose(written, y, rtol=1e-12, atol=1e-12)
        assert torch.allclose(slope * g, own, rtol=1e-9, atol=1e-12)
    else:
        assert name in MIXING


@pytest.mark.parametrize("name", sorted(ACTIVATIONS))
def test_contract_along_the_parameter(name: str):
    given = {VALUES[name][0]: VALUES[name][1]} if name in VALUES else {}
    check_activation(sup.Settings(activation=part_of("activation", name).changed(**given)))


@pytest.mark.parametrize("name", VALUES)
def test_alone_as_along_the_parameter(name: str):
    parameter, values = VALUES[name]
    together = trained(name, engine="eager", **{f"activation_{parameter}": values})
    for k, value in enumerate(values[:2]):
        alone = trained(name, engine="eager", **{f"activation_{parameter}": value})
        assert abs(alone["W"].values - together["W"].values[k]).max() < 1e-5


@pytest.mark.parametrize(
    "name",
    [
        name if name in COMPILED else pytest.param(name, marks=pytest.mark.slow)
        for name in sorted(ACTIVATIONS.keys() - {"solu_norm", "groups"})
    ],
)
def test_kernels_train_as_torch_does_and_alone_to_the_same_bits(name: str):
    parameter, values = VALUES.get(name, ("", []))
    given: Any = {f"activation_{parameter}": values} if parameter else {}
    native = trained(name, engine="native", **given)
    torchs = trained(name, engine="eager", **given)
    assert abs(native["W"] - torchs["W"]).max() < 5e-5
    assert abs(native["W"]).max() > 0.3
    for k, value in enumerate(values[:2]):  # at the first, some are written as the plain function
        alone = trained(name, engine="native", **{f"activation_{parameter}": value})
        assert (alone["W"].values == native["W"].values[k]).all()


def test_a_slope_of_1_is_linear_and_one_of_0_is_relu():
    for engine in ("native", "eager"):
        for slope, name in ((0.0, "relu"), (1.0, "linear")):
            leaky = trained("leaky_relu", engine=engine, activation_slope=slope)
            plain = trained(name, engine=engine)
            difference = abs(leaky["W"] - plain["W"]).max()
            assert difference == 0 if name == "relu" else difference < 1e-6


@pytest.mark.parametrize(
    ("name", "value"),
    [("softplus", 1e4), ("swish", 1e4), ("gelu", 1e4), ("celu", 1e-4), ("elu", 0.0)],
)
def test_relu_is_where_families_end(name: str, value: float):
    end = trained(name, engine="eager", **{f"activation_{VALUES[name][0]}": value})
    relu = trained("relu", engine="eager")
    assert abs(end["W"].values - relu["W"].values).max() < (1e-6 if name == "elu" else 2e-3)


def test_an_epsilon_of_0_is_the_sigmoid_to_the_last_bit():
    class Plain(nn.Sigmoid):
        expressions = ("sigmoid(z)", "y * (1 - y)")

        def pullback(self, z, y, g):
            return torch.ops.aten.sigmoid_backward(g, y)

    for engine in ("native", "eager"):
        plain = trained(sup.Part(Plain, name="plain"), engine=engine)
        stretched = trained("sigmoid", engine=engine, activation_epsilon=0.0)
        assert (stretched["W"].values == plain["W"].values).all()


def test_elu_and_celu_agree_at_1_and_unit_tanh_is_a_sigmoid():
    z = line()
    assert torch.allclose(made("elu", 1.0)(z), made("celu", 1.0)(z), atol=1e-15)
    assert torch.allclose(made("unit_tanh")(z), torch.sigmoid(2 * z), atol=1e-15)


def test_solu_between_the_largest_feature_and_all():
    z = torch.randn(2, 5, 7, generator=torch.Generator().manual_seed(0)).double()
    largest = torch.where(z == z.amax(FEATURE_AXIS, keepdim=True), z, 0)
    assert torch.allclose(SoLU(1e-4)(z), largest, atol=1e-6)
    assert torch.allclose(SoLU(1e6)(z), z / 5, atol=1e-5)


def test_solu_with_layer_norm_has_mean_0_and_variance_1_over_features():
    z = 3 * torch.randn(2, 6, 50, generator=torch.Generator().manual_seed(0)).double()
    y = made("solu_norm")(z)
    normed = nn.functional.layer_norm(SoLU()(z).mT, (6,)).mT
    assert torch.allclose(y, normed, atol=1e-12)
    turned = part_of("activation", "solu_norm").changed(scale=0.4, shift=0.2).make()
    assert torch.allclose(turned(z), 0.4 * normed + 0.2, atol=1e-12)
    trained: Any = torch.autograd.functional.vjp(turned, z, y)[1]
    assert torch.allclose(turned.pullback(z, turned(z), y), trained, atol=1e-12)


def test_solu_with_layer_norm_explains_by_its_scale_and_shift():
    given = {"activation_scale": [0.3, 1.0], "activation_shift": [0.0, 0.25], "sparsity": 0.5}
    data = trained("solu_norm", engine="eager", **given)
    assert data["explained"].dims == ("activation_scale", "activation_shift", "feature")
    losses = data["loss"]
    assert float(losses.sel(activation_scale=0.3, activation_shift=0.25)) == float(losses.min())


def test_groups_have_each_their_own():
    z = torch.randn(2, 5, 7, generator=torch.Generator().manual_seed(0))
    groups = part_of("activation", "groups").changed(of=["abs", "solu"]).make()
    assert torch.equal(groups(z), torch.cat([z[:, :3].abs(), SoLU()(z[:, 3:])], 1))


def test_groups_must_have_features_and_known_names():
    given: Any = {"steps": 5, "n_hidden": 1}
    with pytest.raises(sup.SettingError, match=r"activation.of=\[relu, elu\]: must be a list of"):
        trained("groups", activation_of="[relu, elu]", **given)
    with pytest.raises(sup.SettingError, match="must be a list of two activations' names or more"):
        trained("groups", activation_of=["relu", "groups"], **given)
    for unknown in ({"relu": 1, "tanh": 2}, ["relu", {"elu": 2.0}], [["relu"], "tanh"]):
        with pytest.raises(sup.SettingError, match=r"activation.of=.*: must be a list of two"):
            trained("groups", activation_of=unknown, **given)
    with pytest.raises(sup.SettingError, match="names 3 activations, but n_features=2"):
        trained("groups", activation_of=["relu"] * 3, n_features=2, **given)


def test_groups_stand_in_results_and_come_back():
    results = trained("groups", activation_of=["relu", "tanh"], steps=20)
    model = sup.load_model(results)
    x = torch.rand(64, 4)
    z = model.encode(x) @ model.W + model.b
    expected = torch.cat([z[:, :2].relu(), z[:, 2:].tanh()], 1)
    assert torch.allclose(model(x), expected, atol=1e-6)


@pytest.mark.parametrize(
    ("name", "value", "kinks", "is_straight"),
    [
        ("leaky_relu", 0.2, [0.0], True),
        ("leaky_relu", 1.0, [], True),
        ("jump_relu", 0.3, [0.3], True),
        ("relu6", math.nan, [0.0, 6.0], True),
        ("hard_sigmoid", math.nan, [-3.0, 3.0], True),
        ("abs", math.nan, [0.0], True),
        ("elu", 2.0, [0.0], False),
        ("celu", 1.0, [], False),
        ("squared_relu", math.nan, [], False),
    ],
)
def test_kinks_follow_the_parameter(name: str, value: float, kinks: list[float], is_straight: bool):
    found = smoothness_of(made(name, value), 2)
    assert found.kinks == pytest.approx(kinks, abs=1e-12)
    assert (found.is_straight, found.mixes) == (is_straight, False)


def test_a_value_that_jumps_is_found_and_one_of_many_that_mixes():
    assert smoothness_of(made("jump_relu", 0.3), 2).jumps
    assert not smoothness_of(made("jump_relu", 0.0), 2).jumps
    behind = part_of("activation", "groups").changed(of=["relu", "solu"]).make()
    assert smoothness_of(behind, 4).mixes
    assert smoothness_of(behind, 2).kinks == pytest.approx([0.0])
