"""The library from Python: no Hydra, no files, no prints, and the weights of the command."""

import logging
import signal
import subprocess
import sys
from dataclasses import FrozenInstanceError, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import xarray as xr
from torch import nn

import sup

QUICK: dict[str, Any] = {"n_features": 6, "n_hidden": 3, "steps": 40, "batch_size": 128}


class Stretched(nn.Module):
    """The sigmoid, stretched onto (-epsilon, 1 + epsilon)."""

    def __init__(self, epsilon):
        super().__init__()
        self.epsilon = epsilon

    def forward(self, z):
        return (1 + 2 * self.epsilon) * torch.sigmoid(z) - self.epsilon


@pytest.fixture(scope="module")
def data() -> xr.Dataset:
    """Train two activations over two axes."""
    return sup.train(activation=["relu", "gelu"], sparsity=[0, 0.9], seed=range(3), **QUICK)


def test_lists_are_dimensions(data: xr.Dataset):
    assert dict(data["loss"].sizes) == {"activation": 2, "sparsity": 2, "seed": 3}
    assert data["W"].dims == ("activation", "sparsity", "seed", "hidden", "feature")
    assert data["activation"].values.tolist() == ["relu", "gelu"]
    assert data["sparsity"].values.tolist() == [0, 0.9]
    assert data["n_features"].item() == 6
    assert data.attrs["instances_in_stack"] == 12


def test_a_list_of_a_single_activation_is_a_dimension_too():
    assert sup.train(activation=["relu"], **QUICK)["loss"].dims == ("activation",)
    assert sup.train(activation="relu", **QUICK)["loss"].dims == ()


def test_nothing_is_left_behind(tmp_path: Path, monkeypatch, capfd):
    monkeypatch.chdir(tmp_path)
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    level, threads = logging.getLogger("lightning.pytorch").level, torch.get_num_threads()
    sup.train(n_features=3, n_hidden=5, steps=5)  # which a command would warn of
    assert list(tmp_path.iterdir()) == []
    assert capfd.readouterr() == ("", "")
    assert {number: signal.getsignal(number) for number in handlers} == handlers
    assert logging.getLogger("lightning.pytorch").level == level
    assert torch.get_num_threads() == threads


def test_what_it_says_can_be_heard(caplog):
    with caplog.at_level(logging.INFO, logger="sup"):
        sup.train(n_features=3, n_hidden=5, steps=5)
    assert "engine: closed form" in caplog.messages
    assert any("n_hidden=5 exceeds n_features=3" in message for message in caplog.messages)


def test_a_bar_is_shown_where_it_is_asked_for(capfd):
    sup.train(progress=True, **QUICK)
    assert "40/40" in capfd.readouterr().out


def test_a_directory_gets_what_a_command_writes_and_is_gone_on_with(tmp_path: Path):
    results = sup.train(directory=tmp_path / "run", **QUICK)
    files = {path.name for path in (tmp_path / "run").iterdir()}
    assert {"results.nc", "figures", "checkpoints"} <= files
    written = (tmp_path / "run" / "results.nc").stat().st_mtime_ns
    again = sup.train(directory=tmp_path / "run", **QUICK)
    assert (tmp_path / "run" / "results.nc").stat().st_mtime_ns == written
    assert np.array_equal(again["W"].values, results["W"].values)
    with pytest.raises(sup.SettingError, match="holds results: it was trained with sparsity=0"):
        sup.train(directory=tmp_path / "run", sparsity=0.5, **QUICK)
    chosen = {"directory": tmp_path / "sweep", "figures": "none"}
    sup.train(activation=["relu"], **chosen, **QUICK)
    sup.train(activation=["relu", "gelu"], **chosen, **QUICK)
    assert sup.load_sweep(tmp_path / "sweep")["activation"].values.tolist() == ["relu", "gelu"]
    assert "activation,status" in (tmp_path / "sweep" / "sweep.csv").read_text()


def test_a_directory_is_one_trainings_at_a_time(tmp_path: Path):
    hold = (
        "import sys; from sup.sweep import lock; "
        "lock.take(sys.argv[1]); print('held', flush=True); input()"
    )
    command = [sys.executable, "-c", hold, str(tmp_path)]
    other = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert other.stdout
    assert other.stdout.readline() == "held\n"
    with pytest.raises(sup.SettingError, match="another command is at work there"):
        sup.train(directory=tmp_path, **QUICK)
    other.communicate("\n")
    sup.train(directory=tmp_path, figures="none", **QUICK)
    sup.train(directory=tmp_path, figures="none", **QUICK)  # and is let go of


def test_objects_of_one_class_are_never_taken_for_each_other(tmp_path: Path):
    first = sup.train(activation=nn.LeakyReLU(0.5), directory=tmp_path, figures="none", **QUICK)
    with pytest.raises(sup.SettingError, match="holds results"):
        sup.train(activation=nn.LeakyReLU(0.1), directory=tmp_path, **QUICK)
    with pytest.raises(sup.SettingError, match="activation=leakyrelu: give it, as "):
        sup.load_model(first)
    x = torch.rand(4, 6)
    model = sup.load_model(first, {"leakyrelu": nn.LeakyReLU(0.5)})
    z = x @ model.W.T @ model.W + model.b
    assert torch.allclose(model(x), nn.functional.leaky_relu(z, 0.5))
    tanh = sup.train(activation=torch.tanh, **QUICK)
    assert torch.equal(sup.load_model(tanh)(x), sup.load_model(tanh, {"tanh": torch.tanh})(x))


def test_numbers_are_the_same_in_every_way_to_write_them(tmp_path: Path):
    chosen: dict[str, Any] = {"n_features": 3, "n_hidden": 1, "steps": 5, "figures": "none"}
    sup.train(importance=[1, 0.5, 1], directory=tmp_path, **chosen)
    sup.train(importance=[1.0, 0.5, 1.0], directory=tmp_path, **chosen)  # is loaded
    numbers = sup.train(seed=list(np.arange(2)), sparsity=[np.float32(0.5)], **chosen)
    assert dict(numbers["loss"].sizes) == {"sparsity": 1, "seed": 2}


def test_the_random_numbers_of_others_are_left_alone():
    torch.manual_seed(0)
    expected = torch.rand(1)
    torch.manual_seed(0)
    sup.train(**QUICK)
    assert torch.equal(torch.rand(1), expected)


def test_several_gpus_are_nothing_to_what_is_not_written(monkeypatch, tmp_path: Path):
    from sup.config.run import Run
    from sup.launch.local import Here, SideBySide, local_placement

    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    assert type(local_placement([Run(sup.Settings())])) is Here
    assert type(local_placement([Run(sup.Settings(), tmp_path)])) is SideBySide


@pytest.mark.parametrize("own", [torch.relu, nn.ReLU(), nn.ReLU, "torch.nn.ReLU"])
def test_an_activation_of_ones_own(own, data: xr.Dataset):
    results = sup.train(activation=own, seed=range(3), **QUICK)
    theirs = data.sel(activation="relu", sparsity=0)
    assert results["W"].values == pytest.approx(theirs["W"].values, abs=1e-5)
    assert results["activation"].item() == "relu"


def test_its_parameters_are_axes():
    part = sup.Part(Stretched, {"epsilon": [0, 0.1]})
    results = sup.train(activation=["tanh", "sigmoid", part], **QUICK)
    assert results["activation"].values.tolist() == ["tanh", "sigmoid", "stretched"]
    own = results.sel(activation="stretched")
    # The tanh has no epsilon: it stands where that is not a number.
    assert str(own["activation_epsilon"].values.tolist()) == "[nan, 0.0, 0.1]"
    assert results.sel(activation="tanh").isel(activation_epsilon=0)["W"].notnull().all()
    plain = results.sel(activation="sigmoid", activation_epsilon=0)["W"]
    assert own.sel(activation_epsilon=0)["W"].values == pytest.approx(plain.values, abs=1e-5)


def test_a_failure_is_raised_with_its_cause():
    def fails(z):
        if z.shape[-1] > 100:
            raise ZeroDivisionError("no such number")
        return z

    with pytest.raises(sup.RunError, match="ZeroDivisionError: no such number") as raised:
        sup.train(activation=["relu", fails, "gelu"], **QUICK)
    assert isinstance(raised.value.__cause__, ZeroDivisionError)
    assert raised.value.results["activation"].values.tolist() == ["relu", "gelu"]


BAD = [
    ({"sparsty": 0.5}, "sparsty=0.5: no such setting; did you mean sparsity?"),
    ({"sparsity": 1.5}, r"sparsity=1.5: must be a number in \[0, 1 - 2\^-24\], or a list of them"),
    ({"activation": "rellu"}, "activation=rellu: no such option; allowed: abs, celu, elu, gelu"),
    ({"activation": []}, r"activation=\[\]: the list is empty"),
    ({"importance_ratio": 2}, "importance_ratio=2: the chosen importance, geometric, has none"),
    ({"importance": [1, 2]}, "importance.values=.*: has 2 numbers, but n_features=10"),
    ({"logger": "csv"}, "logger=csv: needs a directory to write to"),
    ({"stack_devices": 2}, "stack.devices=2: needs a directory to write to"),
    ({"activation": nn.PReLU()}, "has trainable weights"),
    ({"activation": ["relu", nn.ReLU]}, "activation=relu: stands twice; name them apart"),
    ({"settings": []}, r"settings=\[\]: the list is empty"),
    ({"callbacks": None}, "callbacks=None: must be a dict"),
    ({"resume": True}, "resume=True: is a command's"),
    ({"resume": "/nowhere"}, "resume=/nowhere: no such file or directory"),
    ({"trainer": "gpu"}, "trainer.accelerator=gpu: no GPU here"),
    ({"resolution": 3}, "resolution=3: no such setting"),
]


@pytest.mark.parametrize(("settings", "message"), BAD)
def test_bad_settings_are_named(settings: dict, message: str):
    with pytest.raises(sup.SettingError, match=message):
        sup.train(**settings)


class TestSettings:
    """The settings of a run, as an object."""

    settings = sup.Settings(
        activation="gelu", sparsity=[0, 0.9], importance="relative", importance_ratio=2, steps=30
    )

    def test_they_are_frozen_and_comparable(self):
        with pytest.raises(FrozenInstanceError):
            self.settings.steps = 3  # pyright: ignore[reportAttributeAccessIssue]
        assert self.settings == sup.Settings(
            steps=30,
            importance=sup.Part("sup.model.importance.relative", {"ratio": 2}),
            activation="gelu",
            sparsity=np.array([0, 0.9]),
        )
        assert self.settings != sup.Settings()
        assert replace(self.settings, steps=5).part("scheduler").parameters == {"T_max": 5}

    def test_they_print_as_the_call_that_makes_them(self):
        printed = repr(self.settings)
        assert printed == (
            "Settings(activation='gelu', importance='relative', importance_ratio=2, "
            "sparsity=[0, 0.9], steps=30)"
        )
        assert eval(printed, {"Settings": sup.Settings}) == self.settings

    def test_they_are_made_of_results_again(self, tmp_path: Path):
        sup.train(self.settings, directory=tmp_path, figures="none")
        again = sup.Settings.of_results(sup.load_run(tmp_path))
        assert again == replace(self.settings, figures="none")
        assert np.array_equal(sup.train(again)["W"], sup.train(self.settings)["W"])

    def test_results_of_several_runs_have_no_settings_of_their_own(self, data: xr.Dataset):
        with pytest.raises(sup.SettingError, match="give those of a single one"):
            sup.Settings.of_results(data)

    def test_importance_and_sparsity_of_each_feature(self):
        importance, sparsity = [1, 0.5, 0.25, 0.1, 0.05, 0.01], [0, 0.1, 0.2, 0.5, 0.9, 0.99]
        chosen = {"features": "explicit", "features_sparsity": sparsity}
        results = sup.train(importance=importance, seed=[0, 1], **chosen, **QUICK)
        assert dict(results["loss"].sizes) == {"seed": 2}
        assert results["importance_values"].dims == ("feature",)
        assert results["features_sparsity"].values.tolist() == sparsity
        assert "sparsity" not in results.coords
        again = sup.Settings.of_results(results).changed(features="independent")
        assert again.sparsity == 0
        same = {"features": "explicit", "features_sparsity": [0.9] * 6}
        one, other = sup.train(**same, **QUICK), sup.train(sparsity=0.9, **QUICK)
        assert np.array_equal(one["W"], other["W"])


class TestModel:
    """`load_model` gives trained models back in torch's own convention."""

    def test_forward_is_the_formula(self, data: xr.Dataset):
        chosen = data.sel(activation="relu", sparsity=0.9, seed=1)
        model, x = sup.load_model(chosen), torch.rand(7, 6)
        W, b = torch.from_numpy(chosen["W"].values), torch.from_numpy(chosen["b"].values)
        assert torch.allclose(model(x), torch.relu(x @ W.T @ W + b), atol=1e-6)
        assert torch.allclose(model.encode(x), x @ W.T, atol=1e-6)
        assert torch.allclose(model(x[0]), model(x)[0], atol=1e-6)

    def test_models_broadcast_with_inputs(self, data: xr.Dataset):
        models, x = sup.load_model(data), torch.rand(5, 6)
        assert models(x).shape == (2, 2, 3, 5, 6)
        assert models(x[0]).shape == (2, 2, 3, 6)
        assert models.encode(x).shape == (2, 2, 3, 5, 3)
        own = torch.rand(4, 2, 2, 3, 5, 6)
        alone = sup.load_model(data.isel(activation=1, sparsity=0, seed=2))
        assert torch.allclose(models(own)[:, 1, 0, 2], alone(own[:, 1, 0, 2]), atol=1e-6)

    def test_parameters_of_activations_come_back(self):
        own = sup.Part(Stretched, {"epsilon": [0, 0.5]})
        results = sup.train(activation=["tanh", own], **QUICK)
        known = results.isel(activation_epsilon=0).sel(activation="tanh")
        assert sup.load_model(known)(torch.rand(2, 6)).shape == (2, 6)
        results = results.sel(activation="stretched").isel(activation_epsilon=slice(1, None))
        model = sup.load_model(results, {"stretched": Stretched})
        W, b = (torch.from_numpy(results[name].values) for name in ("W", "b"))
        x = torch.rand(3, 6)
        z = x @ W.mT @ W + b[:, None]
        epsilon = torch.tensor([0, 0.5])[:, None, None]
        expected = (1 + 2 * epsilon) * torch.sigmoid(z) - epsilon
        assert torch.allclose(model(x), expected, atol=1e-6)

    def test_its_loss_is_that_of_the_results(self):
        results = sup.train(sparsity=0.5, importance="uniform", n_features=6, n_hidden=3, steps=300)
        generator = torch.Generator().manual_seed(1)
        u = torch.rand(200_000, 6, generator=generator)
        x = torch.where(u < 0.5, u / 0.5, 0)
        loss = (sup.load_model(results)(x) - x).square().mean(0).sum().item()
        assert loss == pytest.approx(results["loss"].item(), rel=0.02)

    def test_a_function_that_is_nowhere_is_asked_for(self):
        results = sup.train(activation=sup.Part(lambda z: z.clamp(min=0), name="mine"), **QUICK)
        with pytest.raises(sup.SettingError, match="activation=mine: give it, as "):
            sup.load_model(results)
        given = sup.load_model(results, {"mine": torch.relu})
        assert given(torch.rand(2, 6)).shape == (2, 6)


def test_everything_public_is_there_and_documented():
    for name in sup.__all__:
        assert (getattr(sup, name).__doc__ or "").strip(), name
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        _ = sup.nonsense  # pyright: ignore[reportAttributeAccessIssue]


def test_importing_it_is_quick():
    """Neither torch nor xarray, seconds together, are imported before they are used."""
    script = "import sup, sys; assert not {'torch', 'xarray', 'hydra'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", script], check=True)
