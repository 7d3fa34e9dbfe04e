"""Models with a decoder, a hidden activation, noise or a loss of their own."""

import numpy as np
import pytest
import torch

import sup
from sup.config.run import Run
from sup.model.inputs import Draws, Purpose
from sup.training.engines import AutogradEngine, ClosedFormEngine
from sup.training.stack import Stack

CPU = torch.device("cpu")

SHORT = {"n_features": 6, "n_hidden": 3, "sparsity": 0.7, "steps": 40, "batch_size": 64}

VARIANTS = {
    "no bias": {"model": "tied", "model_bias": False},
    "hidden": {"model": "tied", "model_hidden_activation": "gelu"},
    "noise": {"model": "tied", "model_noise": [0.0, 0.3]},
    "l1": {"model": "tied", "model_l1": [0.0, 0.2]},
    "L4": {"model": "tied", "model_exponent": 4},
    "abs": {"model": "untied", "model_task": "abs", "magnitude": "uniform"},
    "untied": {"model": "untied", "model_hidden_activation": "relu", "model_noise": 0.1},
    "unit norm": {"model": "untied", "model_unit_norm": True, "model_l1": 0.1},
}


SHORT_DIRECTIONS = {"model": "untied", "model_unit_norm": True, "init": "normal"}


@pytest.mark.parametrize(
    "given",
    [*VARIANTS.values(), {**SHORT_DIRECTIONS, "init_std": 1e-14}],
    ids=[*VARIANTS, "short directions"],
)
def test_gradients_are_those_of_autograd(given):
    settings = sup.Settings(
        **{**SHORT, **given}, activation="silu", seed=[0, 1], trainer_precision="64-true"
    )
    stack = Stack.of([Run(settings, None, "run")])
    module = stack.module(CPU)
    models, inputs = module.autoencoder, module.autoencoder.noisy(module.inputs)
    assert stack.rows == inputs.rows
    words = Draws(stack.seeds, (stack.rows, 64), CPU).words(Purpose.TRAINING, 0)
    cost = inputs.cost(models.costs(module.importance), 64)
    found = []
    for engine in (AutogradEngine, ClosedFormEngine):
        losses = engine(models, inputs, cost)(words)
        found.append([losses.clone(), *(one.clone() for one in models.gradients())])
    for plain, own in zip(*found, strict=True):
        torch.testing.assert_close(own, plain, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("engine", ["autograd", "eager"])
def test_directions_too_short_to_be_scaled_are_finite(engine):
    tiny = {"init": "normal", "init_std": 1e-30, "model": "untied", "model_unit_norm": True}
    data = sup.train(**SHORT, **tiny, engine=engine)
    assert not data["diverged"]
    assert np.isfinite(data["W"]).all()
    assert np.isfinite(data["loss"])


def test_a_variant_without_any_change_is_the_plain_model():
    plain = sup.train(**SHORT, seed=[0, 1])
    tied = sup.train(**SHORT, seed=[0, 1], model="tied")
    torch.testing.assert_close(
        torch.tensor(tied["W"].values), torch.tensor(plain["W"].values), rtol=1e-4, atol=1e-5
    )


@pytest.mark.parametrize("given", VARIANTS.values(), ids=VARIANTS)
def test_an_instance_never_notices_its_neighbours(given):
    alone = {key: value[-1] if isinstance(value, list) else value for key, value in given.items()}
    one = sup.train(**SHORT, **alone, seed=1)
    stacked = sup.train(**SHORT, **given, seed=[0, 1]).sel(seed=1)
    for axis in ("model_noise", "model_l1"):
        stacked = stacked.isel({axis: -1}) if axis in stacked.dims else stacked
    for name in ("W", "b", "loss"):
        torch.testing.assert_close(
            torch.tensor(stacked[name].values), torch.tensor(one[name].values), rtol=1e-4, atol=1e-5
        )


@pytest.mark.parametrize("name", ["hidden", "abs", "unit norm"])
def test_a_loaded_model_does_what_was_trained(name):
    data = sup.train(**SHORT, **VARIANTS[name], seed=[0, 1], importance="uniform")
    model = sup.load_model(data)
    settings = sup.Settings.of_results(data)
    stack = Stack.of([Run(settings, None, "run")])
    inputs = stack.input_maker()
    words = Draws((0,), (inputs.rows, 2**15), CPU).words(Purpose.EVALUATION, 7)
    x = inputs(words)[inputs.group_index].mT.reshape(*data["seed"].shape, 2**15, -1)
    wanted = x.abs() if name == "abs" else x
    loss = (model(x) - wanted).square().mean(-2).sum(-1).detach()
    torch.testing.assert_close(loss.double().numpy(), data["loss"].values, rtol=0.05, atol=0)


EXACT = {"data": "quadrature", "n_features": 2, "n_hidden": 1, "sparsity": 0.9, "steps": 200}


@pytest.mark.parametrize("model", ["tied", "untied"])
def test_held_out_inputs_are_sampled_where_those_of_the_training_are_nodes(model):
    given = {**EXACT, "init": "normal", "init_std": 0.5}
    plain, own = sup.train(**given), sup.train(**given, model=model)
    if model == "tied":
        np.testing.assert_allclose(own["W"].values, plain["W"].values, rtol=1e-4, atol=1e-5)
        assert abs(float(own["loss"] - plain["loss"])) < 5 * float(own["loss_error"])
        np.testing.assert_allclose(own["explained"], plain["explained"], rtol=0, atol=0.02)
    assert 0 < float(own["loss_error"]) < 0.01 * float(own["loss"])


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"model_hidden_activation": "relu"}, "model.hidden_activation=relu: must be smooth with"),
        ({"model_l1": 0.1}, "model.l1=0.1: must be 0 with data=quadrature"),
        ({"model_l1": [0, 0.1]}, r"model.l1=\[0, 0.1\]: must be 0 with data=quadrature"),
        ({"model_noise": 0.1}, "model.noise=0.1: must be 0 with data=quadrature"),
        ({"model_exponent": 4}, "model.exponent=4: must be 2 with data=quadrature"),
    ],
)
@pytest.mark.parametrize("model", ["tied", "untied"])
def test_what_nodes_do_not_integrate_is_refused(given, message, model):
    with pytest.raises(sup.SettingError, match=message):
        sup.Settings(**EXACT, model=model, **given)
    sup.Settings(**EXACT, model=model, model_hidden_activation="gelu")
