"""Held-out inputs of any distribution: their moments, however rare, and the error they tell."""

from typing import Any

import numpy as np
import pytest
import torch
from jaxtyping import Bool
from torch import Tensor

import sup
from sup.model.data import held_out, rows
from sup.model.features.presence import Blocks, Column, Independent, Presence, Words, happens
from sup.model.inputs import Draws, Purpose
from sup.model.proposals import OWN_WORDS, Proposals
from sup.training import plain_samples
from sup.training.plain_samples import of_none

CPU = torch.device("cpu")
BATCHES = 200

KINDS = {
    "independent": {"sparsity": [0.0, 0.4, 0.999]},
    "explicit": {"features_sparsity": [0.0, 0.3, 0.9, 0.99, 0.5, 0.999]},
    "power_law": {"features_exponent": 2.0, "sparsity": 0.1},
    "correlated": {"features_correlation": [0.0, 0.5, 1.0], "features_size": 3, "sparsity": 0.7},
    "anticorrelated": {"features_correlation": [-0.25, -0.1], "features_size": 3, "sparsity": 0.8},
    "hierarchical": {"features_child": [0.01, 0.9], "features_size": 3, "sparsity": 0.7},
    "exactly": {"features_active": 2},
    "at_least_one": {"sparsity": [0.0, 0.4, 0.999]},
}


def settings_of(kind: str, **given) -> sup.Settings:
    features = "correlated" if kind == "anticorrelated" else kind
    own = {"n_features": 6, "n_hidden": 2, "steps": 1, "batch_size": 8} | KINDS[kind] | given
    return sup.Settings(features=features, **own)


def moments(x: Tensor, weight: Tensor) -> Tensor:
    """Return those of one feature, of two of a block and of two blocks, of three; how many."""
    x = x.double()
    several = [x, x.square(), x * x.roll(1, 1), x * x.roll(3, 1), x * x.roll(1, 1) * x.roll(2, 1)]
    count = (x != 0).double().sum(1, keepdim=True).expand_as(x)
    return torch.stack([((one * weight[:, None].double()).sum(-1)) for one in [*several, count]])


@pytest.mark.parametrize("kind", KINDS)
def test_moments_are_those_of_samples_as_they_come(kind):
    settings = settings_of(kind)
    inputs = held_out(settings, rows(settings, settings.grid.points), torch.float32)
    index, proposals = inputs.group_index, Proposals(inputs)
    draws = Draws((0,), (inputs.rows + OWN_WORDS, 1024), CPU)
    own, plain = [], []
    for words in draws.each(Purpose.EVALUATION, range(BATCHES)):
        x, weight = next(proposals.batch(words, 1024))
        own.append(moments(x[index], weight[index]))
    for words in draws.each(Purpose.TRAINING, range(4 * BATCHES)):
        x = inputs(words[:, : inputs.rows])[index]
        plain.append(moments(x, torch.full_like(x[:, 0], 1 / 1024)))
    found, wanted = torch.stack(own), torch.stack(plain)
    error = (found.var(0) / len(found) + wanted.var(0) / len(wanted)).sqrt()
    assert ((found.mean(0) - wanted.mean(0)).abs() < 5 * error + 1e-6).all()
    # What no sample holds would have no error: of one feature all is told by half of the samples.
    assert ((found[:, 0].std(0) / found[:, 0].mean(0)) < 0.2).all()


@pytest.mark.parametrize("kind", KINDS)
def test_no_feature_is_present_with_its_probability(kind):
    settings = settings_of(kind)
    inputs = held_out(settings, rows(settings, settings.grid.points), torch.float32)
    words = Draws((0,), (inputs.rows, 2**17), CPU).words(Purpose.TRAINING, 0)
    share = (inputs(words) == 0).all(1).double().mean(-1)[inputs.group_index]
    _, none = of_none(inputs, settings.grid.size)
    assert ((share - none[:, 0]).abs() < 5 * (share * (1 - share) / 2**17).sqrt() + 1e-6).all()


RARE = [0.9, 0.999, 0.9999, 0.99999, 0.999999]

UNTRAINED = {
    "tied": {"model": "tied"},
    "untied, hidden": {"model": "untied", "model_hidden_activation": "relu"},
    "correlated": {"features": "correlated", "features_correlation": 0.5},
    "one at most": {"features": "correlated", "features_correlation": -1e-7},
    "hierarchical": {"features": "hierarchical", "features_child": 0.1},
    "at least one": {"features": "at_least_one"},
    "power law, normal": {"features": "power_law", "magnitude": "normal", "activation": "linear"},
}


@pytest.mark.parametrize("name", UNTRAINED)
def test_what_is_not_trained_explains_nothing_however_rare(name):
    given = {"n_features": 4, "n_hidden": 2, "init": "normal", "init_std": 1e-4, "steps": 1}
    given |= {"optimizer_lr": 1e-8, "batch_size": 8, "importance": "uniform", "sparsity": RARE}
    settings = sup.Settings(**given, **UNTRAINED[name])
    data = sup.train(settings)
    assert (data["features_explained"] == 0).all()
    square = sup.model.data.moments(settings, settings.grid.points)[1].sum(-1)
    off = np.abs(data["loss"].values - square.numpy())
    assert (off < 5 * data["loss_error"].values + 1e-4 * square.numpy()).all()
    assert (data["loss_error"] < 0.01 * data["loss"]).all()


def test_a_tied_model_has_the_loss_of_the_plain_one_at_every_sparsity():
    given = {"n_features": 6, "n_hidden": 3, "sparsity": RARE, "steps": 200, "seed": [0, 1]}
    plain, tied = sup.train(**given), sup.train(**given, model="tied")
    np.testing.assert_allclose(tied["W"], plain["W"], rtol=1e-3, atol=1e-4)
    error = np.hypot(tied["loss_error"], plain["loss_error"])
    assert (np.abs(tied["loss"] - plain["loss"]) < 5 * error + 1e-3 * plain["loss"]).all()
    assert (np.abs(tied["explained"] - plain["explained"]) < 0.02).all()


ERRORS = {
    "tied": {"model": "tied", "sparsity": [0.5, 0.99, 0.99999]},
    "correlated": {"features": "correlated", "features_correlation": 0.3, "sparsity": [0.6, 0.999]},
    "hierarchical": {"features": "hierarchical", "sparsity": [0.6, 0.999]},
    "normal": {"magnitude": "normal", "sparsity": [0.6, 0.9999]},
    "exactly": {"features": "exactly", "features_active": 2},
}


@pytest.mark.parametrize("name", ERRORS)
def test_the_error_is_that_of_a_much_larger_sample(name, monkeypatch):
    given = {"n_features": 6, "n_hidden": 3, "steps": 100, **ERRORS[name]}
    monkeypatch.setattr(plain_samples, "BATCHES", 32)
    found = sup.train(**given)
    monkeypatch.setattr(plain_samples, "BATCHES", 288)
    exact = sup.train(**given)
    off = np.abs(found["loss"] - exact["loss"])
    assert (off < 5 * found["loss_error"]).all()
    assert (exact["loss_error"] < 0.7 * found["loss_error"]).all()
    assert (found["loss_error"] < 0.05 * found["loss"]).all()


class Own(Presence):
    """A user's, that tells no blocks."""

    below: Tensor

    def __init__(self, n_features: int, sparsity: Column):
        super().__init__(n_features, (1 - sparsity).expand(-1, n_features))
        self.remember(below=self.density)

    def forward(self, words: Words) -> Bool[Tensor, "group feature batch"]:
        """Return which are present."""
        return happens(words, self.below)


def test_of_features_too_rare_for_samples_nothing_is_said(caplog):
    given: dict[str, Any] = {"n_features": 4, "n_hidden": 2, "steps": 20, "batch_size": 64}
    data = sup.train(**given, features=sup.Part(Own), sparsity=[0.9, 0.9999])
    for name in ("loss", "loss_error", "features_explained"):
        assert data[name].isnull().values.tolist() == [False, True]
    assert data["explained"].isnull().all("feature").values.tolist() == [False, True]
    assert not data["diverged"].any()
    assert caplog.text.count("too rare") == 1
    told = sup.train(**given, sparsity=0.9, model="tied")["loss"]
    assert abs(float(data["loss"][0] - told)) < 0.05 * float(told)


def test_blocks_of_independent_features():
    sparsity = torch.tensor([[0.5, 0.2], [0.9, 1.0]], dtype=torch.float64)
    blocks = Independent(sparsity).blocks
    assert isinstance(blocks, Blocks)
    assert blocks.none.tolist() == pytest.approx([0.1, 0.9])


@pytest.mark.parametrize("magnitude", ["unit", "exponential"])
@pytest.mark.parametrize("kind", KINDS)
def test_no_number_that_goes_to_a_device_is_float64(kind, magnitude):
    """An Apple GPU has none."""
    settings = settings_of(kind, magnitude=magnitude)
    inputs = held_out(settings, rows(settings, settings.grid.points), torch.float32)
    assert not [name for name, held in inputs.named_buffers() if held.dtype == torch.float64]
