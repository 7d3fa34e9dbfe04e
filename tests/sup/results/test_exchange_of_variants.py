"""Models and data beyond the plain ones are saved whole, and measured as what they are."""

import numpy as np
import pytest
import torch
import xarray as xr
from safetensors import safe_open

import sup
from sup.training import plain_samples

SHORT = {"n_features": 4, "n_hidden": 2, "steps": 40, "batch_size": 64, "sparsity": [0.5, 0.9]}

KINDS = {
    "untied": {"model": "untied", "model_task": "abs", "magnitude": "uniform"},
    "unit norm": {"model": "untied", "model_unit_norm": True, "activation": ["relu", "gelu"]},
    "tied, hidden": {"model": "tied", "model_hidden_activation": "relu", "model_noise": [0, 0.1]},
    "normal": {"magnitude": "normal", "magnitude_scale": [1.0, 2.0], "activation": "linear"},
    "correlated": {"features": "correlated", "features_correlation": [0.2, 1.0]},
    "larger groups": {"features": "hierarchical", "features_size": 4, "magnitude": "exponential"},
    "exactly": {"features": "exactly", "features_active": 3, "sparsity": 0, "seed": [0, 1]},
    "at least one": {"features": "at_least_one"},
    "power law": {"features": "power_law", "features_exponent": [0.5, 1.5]},
}


@pytest.fixture(autouse=True)
def _fast(monkeypatch):
    monkeypatch.setattr(plain_samples, "BATCHES", 16)


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_saved_is_loaded_and_measured_the_same(kind, tmp_path):
    data = sup.train(**{**SHORT, **KINDS[kind]}, importance_decay=0.8)
    path = sup.save_weights(data, tmp_path / "models.safetensors")
    back = sup.load_weights(path)
    with safe_open(path, framework="np") as held:
        assert ("decoder" in held.keys()) == ("decoder" in data)  # noqa: SIM118
    xr.testing.assert_allclose(back["W"], data["W"])
    for name in {"loss", "loss_error", "explained", "features_explained", "decoder"} & {*data}:
        np.testing.assert_allclose(back[name], data[name], rtol=1e-5, atol=1e-7, err_msg=name)


def weights_of(data: xr.Dataset) -> dict[str, torch.Tensor]:
    held = {name: torch.tensor(data[name].values) for name in {"W", "b", "decoder"} & {*data}}
    return {("b_final" if name == "b" else name): values for name, values in held.items()}


@pytest.mark.parametrize("kind", ["normal", "tied, hidden", "correlated", "untied", "exactly"])
def test_what_is_said_of_the_weights_of_others_counts(kind):
    own = {
        name: value[0] if isinstance(value, list) else value for name, value in KINDS[kind].items()
    }
    given = {**SHORT, "sparsity": 0.5, **own}
    data = sup.train(**given)
    said = {name: given[name] for name in {*own, "sparsity"} if given["sparsity"] or name in own}
    said.pop("sparsity" if kind == "exactly" else "seed", None)
    said.pop("seed", None)
    back = sup.load_weights(weights_of(data), importance="geometric", **said)
    np.testing.assert_allclose(back["loss"], data["loss"], rtol=1e-5)
    np.testing.assert_allclose(back["explained"], data["explained"], rtol=1e-5, atol=1e-6)


def test_a_decoder_is_of_an_untied_model_alone():
    data = sup.train(**{**SHORT, "sparsity": 0.5}, model="untied")
    weights = weights_of(data)
    with pytest.raises(sup.SettingError, match="decoder is not W once more; model=untied has one"):
        sup.load_weights(weights, sparsity=0.5)
    bare = {name: values for name, values in weights.items() if name != "decoder"}
    with pytest.raises(sup.SettingError, match="model=untied: needs a decoder"):
        sup.load_weights(bare, sparsity=0.5, model="untied")
    other = {**weights, "decoder": weights["decoder"][:1]}  # of another shape: it is not read
    with pytest.raises(sup.SettingError, match="model=untied: needs a decoder"):
        sup.load_weights(other, sparsity=0.5, model="untied")


def test_training_does_not_begin_at_the_half_of_an_untied_model(tmp_path):
    data = sup.train(**{**SHORT, "sparsity": 0.5}, model="untied")
    path = sup.save_weights(data, tmp_path / "a.safetensors")
    with pytest.raises(
        sup.SettingError, match="holds a decoder that is not W, and model=plain has none"
    ):
        sup.train(**{**SHORT, "sparsity": 0.5}, init="given", init_path=str(path))


def test_of_data_of_a_users_own_nothing_is_said(caplog):
    W = torch.randn(2, 6, generator=torch.Generator().manual_seed(0))
    given = {"sparsity": 0.5, "importance": "uniform", "magnitude": torch.sqrt}
    data = sup.load_weights({"W": W}, "hidden feature", **given)
    assert not {"loss", "explained"} & {*data.data_vars}
    assert "magnitude=sqrt" in caplog.text


def test_tied_and_untied_models_are_loaded_together():
    given = {**SHORT, "sparsity": 0.5}
    runs = [sup.Settings(**given, model=name) for name in ("plain", "untied")]
    together = sup.load_model(sup.train(runs))
    x = torch.rand(7, 4)
    for place, run in enumerate(runs):
        alone = sup.load_model(sup.train(run))
        assert torch.allclose(together(x)[place], alone(x), atol=1e-6)
