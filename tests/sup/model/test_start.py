"""Training that begins at weights of a file: at its biases and decoder, each at its own model."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import xarray as xr
from safetensors.torch import save_file

import sup
from sup.config.run import Run
from sup.training.stack import Stack

SIZES = {"n_features": 3, "n_hidden": 2}
CPU = torch.device("cpu")


def begun(path: Path, **settings: Any) -> tuple[Any, torch.Tensor]:
    """Return the models of a run before training, and where in them its instances stand."""
    given = {"init": "given", "init_path": str(path), **SIZES, **settings}
    stack = Stack.of([Run(sup.Settings(**given), None, "run")])
    ((_, place),) = stack.places
    return stack.models(CPU), place


@pytest.mark.parametrize("count", [1, 4])
def test_given_weights_are_where_training_begins(tmp_path, count):
    W = np.random.default_rng(0).normal(size=(count, 3, 2)).astype(np.float32)
    path = tmp_path / "weights.npy"
    np.save(path, W)
    models, place = begun(path, sparsity=[0, 0.5], seed=[0, 1])
    expected = np.broadcast_to(W.transpose(0, 2, 1), (4, 2, 3))
    np.testing.assert_array_equal(models.W.detach()[place], expected)
    assert not models.b.any()


def of_file(tmp_path: Path, **tensors: torch.Tensor) -> Path:
    path = tmp_path / "weights.safetensors"
    save_file(tensors, path)
    return path


W, B, D = torch.rand(2, 3), torch.rand(3), torch.rand(2, 3)


@pytest.mark.parametrize("name", ["b", "b_final"])
@pytest.mark.parametrize("model", ["plain", "tied", "untied"])
def test_biases_are_those_of_the_file(tmp_path, name, model):
    models, place = begun(of_file(tmp_path, W=W, **{name: B}), model=model, seed=[0, 1])
    assert torch.equal(models.b[place], B.expand(2, -1))


def test_a_decoder_is_that_of_the_file_or_drawn(tmp_path):
    models, _ = begun(of_file(tmp_path, W=W, b=B, decoder=D), model="untied")
    assert torch.equal(models.D[0], D)
    drawn, place = begun(of_file(tmp_path, W=W, b=B), model="untied", seed=[0, 1])
    usual = Stack.of([Run(sup.Settings(model="untied", seed=[0, 1], **SIZES), None, "run")])
    ((_, usual_place),) = usual.places
    usual_models: Any = usual.models(CPU)
    assert torch.equal(drawn.D[place], usual_models.D[usual_place])


@pytest.mark.parametrize(
    ("tensors", "settings", "message"),
    [
        ({"decoder": D}, {"model": "tied"}, "holds a decoder that is not W, and model=tied has"),
        ({"b": B}, {"model": "tied", "model_bias": False}, "holds biases, and model.bias=false"),
    ],
)
def test_what_models_do_not_have_is_refused(tmp_path, tensors, settings, message):
    with pytest.raises(sup.SettingError, match=message):
        begun(of_file(tmp_path, W=W, **tensors), **settings)


SWEPT = {"sparsity": [0.0, 0.9], "importance_decay": [0.5, 0.9], "seed": [3, 4]}


@pytest.fixture(scope="module")
def results() -> xr.Dataset:
    given: dict[str, Any] = {**SWEPT, **SIZES, "steps": 2}
    return sup.train(**given)


def test_each_instance_begins_at_the_model_of_its_settings(results, tmp_path):
    path = sup.save_weights(results, tmp_path / "a.safetensors")
    turned = {name: values[::-1] for name, values in SWEPT.items()}
    models, place = begun(path, **turned)
    axes = ["importance_decay", "sparsity", "seed"]
    expected = results.sel(turned).transpose(*axes, "hidden", ...)
    np.testing.assert_array_equal(models.W.detach()[place].flatten(), expected["W"].values.ravel())
    np.testing.assert_array_equal(models.b.detach()[place].flatten(), expected["b"].values.ravel())


def test_axes_of_one_value_and_settings_that_all_share_are_no_matter(results, tmp_path):
    path = sup.save_weights(results.isel(seed=[0], sparsity=0), tmp_path / "a.safetensors")
    models, _ = begun(path, importance_decay=0.9, sparsity=0.7, seed=5, steps=7)
    expected = results["W"].sel(importance_decay=0.9)[0, 0]
    np.testing.assert_array_equal(models.W.detach()[0], expected)


def test_activations_are_told_apart_by_name(tmp_path):
    given: dict[str, Any] = {"activation": ["relu", "tanh"], "steps": 2, **SIZES}
    results = sup.train(**given)
    path = sup.save_weights(results, tmp_path / "a.safetensors")
    models, _ = begun(path, activation="tanh")
    np.testing.assert_array_equal(models.W.detach()[0], results["W"].sel(activation="tanh"))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (
            {"seed": 5},
            "holds no model of importance_decay=0.9, sparsity=0.9, seed=5; must hold one",
        ),
        (
            {"importance": "uniform", "seed": 3},
            "holds 2 models of sparsity=0.9, seed=3 along importance_decay; must hold one",
        ),
    ],
)
def test_settings_of_which_the_file_has_no_single_model_are_refused(
    settings, message, results, tmp_path
):
    path = sup.save_weights(results, tmp_path / "a.safetensors")
    with pytest.raises(sup.SettingError) as caught:
        begun(path, sparsity=[0.9, 0], **settings)
    assert str(caught.value) == f"init=given: {message}"


@pytest.mark.parametrize(
    ("shape", "message"),
    [
        ((3, 2, 3), "init=given: holds 3 models; must hold one, or the run's 2"),
        ((1, 2, 4), "weights=W .*: must be .*n_features=3"),
        ((1, 2, 2), "init.path=None: must be the path of a file"),
    ],
)
def test_weights_that_are_not_of_the_run_are_refused(tmp_path, shape, message):
    path = tmp_path / "weights.npy"
    np.save(path, np.zeros(shape))
    given: dict[str, Any] = {} if "None" in message else {"init_path": str(path)}
    with pytest.raises(sup.SettingError, match=message):
        sup.train(init="given", **given, n_features=3, n_hidden=2, seed=[0, 1], steps=2)
