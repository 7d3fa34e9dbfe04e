"""A run cut into slices comes to what it comes to whole, along each axis of its data and models."""

import numpy as np
import pytest
import torch

import sup
from sup.config.run import Run
from sup.training import plain_samples

SHORT = {"n_features": 4, "n_hidden": 2, "sparsity": 0.7, "steps": 20, "batch_size": 32}

AXES = {
    "noise": {"model": "tied", "model_noise": [0, 0.1]},
    "l1": {"model": "untied", "model_l1": [0, 0.1]},
    "low": {"magnitude": "uniform", "magnitude_low": [-1, 0]},
    "high": {"magnitude": "uniform", "magnitude_high": [1, 2]},
    "value": {"magnitude": "fixed", "magnitude_value": [0.5, 1]},
    **{
        name: {"magnitude": name, "magnitude_scale": [0.5, 1]}
        for name in ("half_normal", "normal", "exponential")
    },
    "correlation": {"features": "correlated", "features_correlation": [-0.1, 0, 0.5]},
    "child": {"features": "hierarchical", "features_child": [0.2, 0.9]},
    "exponent": {"features": "power_law", "features_exponent": [0, 1]},
    "sparsity": {"features": "at_least_one", "sparsity": [0, 0.9]},
    "seed": {"features": "exactly", "sparsity": 0, "seed": [0, 1]},
}


@pytest.mark.parametrize("engine", ["eager", "autograd"])
@pytest.mark.parametrize("axis", AXES)
def test_cut_into_single_instances_as_whole(axis, engine, monkeypatch):
    monkeypatch.setattr(plain_samples, "BATCHES", 8)
    given = {**SHORT, **AXES[axis], "engine": engine}
    whole, cut = sup.train(**given), sup.train(**given, stack_max_instances=1)
    assert cut.attrs["instances_in_stack"] == 1 < whole.attrs["instances_in_stack"]
    for name in ("W", "b", "loss", "explained"):
        np.testing.assert_allclose(cut[name].values, whole[name].values, rtol=1e-5, atol=1e-6)


ALONE = {
    "groups": {"activation": "groups", "activation_of": ["relu", "tanh", "solu"]},
    "solu_norm": {"activation": "solu_norm"},
    "linear": {"scheduler": "linear", "optimizer_lr": 0.02},
    "warmup": {"scheduler": "warmup", "scheduler_warmup": 0.3, "optimizer_lr": 0.02},
    "given": {"init": "given"},
    "given, untied": {"init": "given", "model": "untied", "model_unit_norm": True},
    "explicit": {"features": "explicit", "features_sparsity": [0, 0.5, 0.9, 0.99], "sparsity": 0},
    "finite": {"dataset_size": 64, "features": "correlated"},
}


@pytest.mark.parametrize("kind", ALONE)
def test_alone_as_beside_others(kind, monkeypatch, tmp_path, train_runs):
    monkeypatch.setattr(plain_samples, "BATCHES", 8)
    given = {**SHORT, "engine": "eager", **ALONE[kind]}
    if kind.startswith("given"):
        weights = torch.randn(2, 4, generator=torch.Generator().manual_seed(0)) / 2
        torch.save(weights, tmp_path / "weights.pt")
        given |= {"init_path": str(tmp_path / "weights.pt"), "init_layout": "hidden feature"}
    other = {key: value for key, value in given.items() if not key.startswith("activation")}
    chosen = [given | {"seed": [0, 1]}, other | {"activation": "gelu", "seed": [1, 2]}]
    stacked, _ = train_runs(*(Run(sup.Settings(**one), None, "run") for one in chosen))
    assert stacked.attrs["instances_in_stack"] == 4
    alone = sup.train(**given, seed=1)
    for name in ("W", "b", "loss", "explained"):
        own = stacked.sel(seed=1)[name].values
        np.testing.assert_allclose(own, alone[name].values, rtol=1e-5, atol=1e-6)
