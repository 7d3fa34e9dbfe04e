"""Importance and initialisation for each instance of a grid, and activations of a user's own."""

import inspect
import sys
import textwrap
from pathlib import Path

import pytest
import torch

import sup
from sup.config.options import OPTIONS
from sup.config.rules import SettingError
from sup.model.building import activation_of, call_part, check_parts
from sup.model.contract import check_activation, check_on_device
from sup.model.inputs import Draws, Purpose
from sup.training.stack import Stack

CPU = torch.device("cpu")


def importance(run) -> torch.Tensor:
    settings = run.settings
    n = settings.n_features
    return call_part(settings.importance, "importance", settings.grid.points, n_features=n)


def activation(run):
    return activation_of(run.settings.activation, run.settings.grid.points, CPU)


def test_geometric_importance_for_each_instance(make_run):
    run = make_run("n_features=3", "importance.decay=[1,0.5]", "seed=[0,1]")
    powers = torch.tensor([[1, 1, 1], [1, 1, 1], [1, 0.5, 0.25], [1, 0.5, 0.25]])
    assert torch.equal(importance(run), powers.double())


def test_uniform_importance(make_run):
    run = make_run("n_features=3", "importance=uniform", "seed=[0,1]")
    assert torch.equal(importance(run), torch.ones(2, 3).double())


def test_relative_importance_weighs_the_last_feature(make_run):
    run = make_run("n_features=3", "importance=relative", "importance.ratio=[0.1,10]")
    assert importance(run).tolist() == [[1, 1, 0.1], [1, 1, 10]]


def test_a_given_importance_of_each_feature(make_run):
    explicit = ("importance=explicit", "importance.values=[3,0,0.5]")
    run = make_run("n_features=3", *explicit, "seed=[0,1]")
    assert run.size == 2
    assert importance(run).tolist() == [[3, 0, 0.5]] * 2


def test_a_given_sparsity_of_each_feature(make_run):
    explicit = ("features=explicit", "features.sparsity=[0.9,0,0.5]")
    run = make_run("n_features=3", *explicit, "seed=[0,1]")
    stack = Stack.of([run])
    assert stack.size == 2
    assert stack.inputs == [(seed, ((0.9, 0, 0.5), ())) for seed in (0, 1)]
    words = Draws((0, 1), (3, 1000), CPU).words(Purpose.TRAINING, 0)
    present = stack.input_maker()(words) > 0
    assert present.double().mean(-1).tolist() == [pytest.approx([0.1, 1, 0.5], abs=0.05)] * 2


def test_xavier_is_computed_for_each_instance_as_if_alone(make_run):
    run = make_run("n_features=200", "n_hidden=20", "init.gain=[1,0.5]", "seed=[0,1,2]")
    stack = Stack.of([run])
    ((_, place),) = stack.places
    std = stack.initial_weights()[place].std((1, 2))
    xavier = (2 / 220) ** 0.5
    assert std.tolist() == pytest.approx([xavier] * 3 + [xavier / 2] * 3, rel=0.05)


def test_a_given_standard_deviation(make_run):
    run = make_run("n_features=200", "n_hidden=20", "init=normal", "init.std=[0.02,0.3]")
    std = Stack.of([run]).initial_weights().std((1, 2))
    assert std.tolist() == pytest.approx([0.02, 0.3], rel=0.05)


@pytest.fixture
def users_module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Write a researcher's own file, with the sigmoid stretched onto (-epsilon, 1 + epsilon)."""
    (tmp_path / "my_activations.py").write_text(
        textwrap.dedent("""
        import torch
        from torch import nn

        class Stretched(nn.Module):
            def __init__(self, epsilon):
                super().__init__()
                self.epsilon = epsilon
            def forward(self, z):
                return (1 + 2 * self.epsilon) * torch.sigmoid(z) - self.epsilon

        def power(z, exponent=3):
            return z ** exponent
        """)
    )
    (tmp_path / "my_package").mkdir()
    (tmp_path / "my_package" / "unfinished.py").write_text("import not_installed")
    monkeypatch.syspath_prepend(tmp_path)
    yield
    for name in ("my_activations", "my_package"):
        sys.modules.pop(name, None)


@pytest.mark.usefixtures("users_module")
class TestOwnActivation:
    """A user's activation by its `_target_`, with a parameter that may be an axis."""

    stretched = ("~activation", "+activation._target_=my_activations.Stretched")

    def test_parameter_as_an_axis(self, make_run):
        run = make_run(*self.stretched, "+activation.epsilon=[0,0.25]", "seed=[0,1]")
        z = torch.randn(4, 10, 3, generator=torch.Generator().manual_seed(0))
        out = activation(run)(z)
        epsilon = torch.tensor([0, 0, 0.25, 0.25])[:, None, None]
        assert torch.equal(out, (1 + 2 * epsilon) * torch.sigmoid(z) - epsilon)

    def test_stacked_like_the_others_and_named_in_results(self, make_run, train_runs):
        own = make_run(*self.stretched, "+activation.epsilon=[0,0.25]", "steps=20")
        sigmoid = make_run("activation=sigmoid", "steps=20")
        results, plain = train_runs(own, sigmoid)
        assert results["activation"].item() == "stretched"
        assert results["activation_epsilon"].values.tolist() == [0, 0.25]
        assert results.attrs["instances_in_stack"] == 3
        same = results.sel(activation_epsilon=0)["W"].values
        assert same == pytest.approx(plain["W"].values, abs=1e-6)

    def test_a_function(self, make_run):
        run = make_run("~activation", "+activation._target_=my_activations.power")
        z = torch.randn(1, 10, 3, generator=torch.Generator().manual_seed(0))
        assert torch.equal(activation(run)(z), z**3)
        run = make_run(
            "~activation", "+activation._target_=my_activations.power", "+activation.exponent=[1,2]"
        )
        z = z.expand(2, -1, -1)
        squared = activation(run)(z)
        assert torch.equal(squared, torch.stack([z[0], z[1] ** 2]))

    def test_torchs_own_modules(self, make_run, train_runs):
        run = make_run(
            "~activation", "+activation._target_=torch.nn.Softplus", "+activation.beta=2", "steps=3"
        )
        (results,) = train_runs(run)
        assert results["activation"].item() == "softplus"
        assert results["activation_beta"].item() == 2

    def test_typing_errors_are_found(self, settings):
        for overrides, message in [
            (["activation._target_=my_activations.Streched"], "cannot be loaded"),
            (["activation._target_=no_such_module.F"], "No module named 'no_such_module'"),
            (["activation._target_=my_package.unfinished.F"], "No module named 'not_installed'"),
            (["activation._target_=my_activations.Stretched", "+activation.eps=1"], "'eps'"),
        ]:
            with pytest.raises(SettingError, match=message):
                check_parts(settings(*overrides))


@pytest.mark.parametrize(
    ("overrides", "reason"),
    [
        (["activation._target_=torch.nn.PReLU"], "has trainable weights"),
        (["activation._target_=torch.nn.Dropout"], "is random"),
        (["activation._target_=torch.nn.Softmax", "+activation.dim=0"], "lets instances"),
        (["activation._target_=torch.nn.Softmax", "+activation.dim=2"], "lets samples"),
        (["activation._target_=torch.sum"], "must return a tensor of the shape of z"),
        (
            ["activation._target_=torch.nn.LeakyReLU", "+activation.negative_slope=[0.1,0.2]"],
            "fails on z",
        ),
    ],
)
def test_an_activation_that_breaks_the_contract_is_refused(overrides, reason, settings):
    with pytest.raises(SettingError, match=reason):
        check_activation(settings(*overrides))


def table(z: torch.Tensor) -> torch.Tensor:
    """Stand for a user's activation that makes a tensor by itself, on the CPU."""
    return torch.linspace(0, 1, z.shape[1])[:, None] * z


class Stray(torch.nn.Module):
    """A user's activation whose gradient comes back on the CPU."""

    def forward(self, z: torch.Tensor) -> torch.Tensor:
        return 0 * z

    def pullback(self, z: torch.Tensor, y: torch.Tensor, g: torch.Tensor) -> torch.Tensor:
        return torch.zeros(z.shape)


class Kept(torch.nn.Module):
    """A user's activation that says where its table is."""

    table: torch.Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("table", torch.ones(3, 1))

    def forward(self, z: torch.Tensor) -> torch.Tensor:
        return self.table * z


@pytest.mark.parametrize(
    ("activation", "reason"),
    [(table, "fails on meta: .*device"), (Stray, "returns a tensor that is not on meta")],
)
def test_an_activation_is_tried_on_the_device_too(activation, reason):
    """Of which there is none here; torch's meta device refuses a CPU's tensors as a GPU does."""
    check_activation(sup.Settings(activation=activation))
    check_on_device(sup.Settings(activation=Kept), torch.device("meta"))
    with pytest.raises(SettingError, match=reason):
        check_on_device(sup.Settings(activation=activation), torch.device("meta"))


class HalfSlope(torch.nn.Module):
    """A user's activation whose written-out gradient is that of another one."""

    def forward(self, z: torch.Tensor) -> torch.Tensor:
        return z

    def pullback(self, z: torch.Tensor, y: torch.Tensor, g: torch.Tensor) -> torch.Tensor:
        return g / 2


@pytest.mark.parametrize("activation", sorted(OPTIONS["activation"]))
def test_every_parameter_of_every_activation_is_known_to_its_gradient(activation):
    """Or else it is refused: each parameter that torch's class takes is tried."""
    tried = {"inplace": True, "approximate": "tanh"}
    target = sup.Part(OPTIONS["activation"][activation].target).locate()
    taken = [name for name in tried if name in inspect.signature(target).parameters]
    check_activation(sup.Settings(activation=activation))
    for name in taken:
        given = sup.Settings(activation=activation, **{f"activation_{name}": tried[name]})
        if name == "inplace":
            with pytest.raises(SettingError, match="inplace=True: changes its input"):
                check_activation(given)
        else:
            check_activation(given)


def test_a_gradient_that_is_not_that_of_the_output_is_refused():
    with pytest.raises(SettingError, match="not the gradient of its output"):
        check_activation(sup.Settings(activation=HalfSlope))


def test_a_value_in_the_middle_of_an_axis_is_tried_too():
    def picky(z, slope):
        if torch.is_tensor(slope) and bool((slope < 0).any()):
            raise ValueError("slope must not be negative")
        return z * slope

    check_activation(sup.Settings(activation=picky, activation_slope=[0.1, 1, 0.2]))
    with pytest.raises(SettingError, match="slope must not be negative"):
        check_activation(sup.Settings(activation=picky, activation_slope=[0.1, -1, 0.2]))


@pytest.mark.parametrize("target", ["torch.nn.functional.softplus", "torch.relu"])
def test_a_function_is_an_activation_as_it_is(target, settings, make_run, train_runs):
    check_activation(settings(f"activation._target_={target}"))
    (results,) = train_runs(make_run(f"activation._target_={target}", "steps=2"))
    assert results["activation"].item() == target.rpartition(".")[-1]
