"""Stacked gradient descent against torch's own, alone, beside others, and gone on with."""

import copy
from typing import Any

import numpy as np
import pytest
import torch

import sup
from sup.config.rules import SettingError
from sup.training.optimizer_state import take_instances
from sup.training.sgd import StackedSGD

RATES, DECAYS, MOMENTA = [0.1, 0.01, 0.1], [0.0, 0.1, 0.5], [0.0, 0.9, 0.5]


def parameters(chosen: Any = slice(None)) -> list[torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    whole = [torch.randn(shape, generator=generator) for shape in ((3, 2, 5), (3, 5))]
    return [one[chosen].clone().requires_grad_() for one in whole]


def stacked(params: list[torch.Tensor], chosen: Any = slice(None)) -> StackedSGD:
    columns = (torch.tensor(values)[chosen] for values in (RATES, DECAYS, MOMENTA))
    return StackedSGD(params, *columns)


def descend(params, optimizer, steps: range, chosen: Any = slice(None)) -> None:
    """Take steps whose gradients depend on the step and the weights, as those of a loss do."""
    for step in steps:
        generator = torch.Generator().manual_seed(step)
        for one in params:
            pull = torch.randn((3, *one.shape[1:]), generator=generator)[chosen]
            one.grad = pull + 0.3 * one.detach()
        for group in optimizer.param_groups:
            group["lr"] = group.setdefault("initial", group["lr"]) * (1 - step / 50)
        optimizer.step()


def largest(ours: list[torch.Tensor], theirs: list[torch.Tensor]) -> float:
    return max(float((a - b).detach().abs().max()) for a, b in zip(ours, theirs, strict=True))


@pytest.mark.parametrize("k", range(3))
def test_each_instance_is_torchs_sgd_with_its_rate_decay_and_momentum(k: int):
    ours, theirs = parameters(), parameters([k])
    descend(ours, stacked(ours), range(50))
    torchs = torch.optim.SGD(theirs, RATES[k], weight_decay=DECAYS[k], momentum=MOMENTA[k])
    descend(theirs, torchs, range(50), [k])
    assert largest([one[[k]] for one in ours], theirs) < 1e-6


@pytest.mark.parametrize("chosen", [[0, 1, 2], [2], [2, 1]])
def test_some_instances_go_on_from_a_checkpoint_with_what_is_theirs(chosen: list[int]):
    whole = parameters()
    optimizer = stacked(whole)
    descend(whole, optimizer, range(20))
    checkpoint: dict[str, Any] = {
        "optimizer_states": [copy.deepcopy(optimizer.state_dict())],
        "lr_schedulers": [],
    }
    take_instances(checkpoint, torch.tensor(chosen))
    left = [one.detach()[chosen].clone().requires_grad_() for one in whole]
    own = stacked(left, chosen)
    own.load_state_dict(checkpoint["optimizer_states"][0])
    descend(whole, optimizer, range(20, 40))
    descend(left, own, range(20, 40), chosen)
    assert largest([one[chosen] for one in whole], left) == 0


GRID: dict[str, Any] = {"optimizer": "sgd", "batch_size": 128, "steps": 150}


@pytest.mark.parametrize("engine", ["native", "eager"])
def test_alone_is_as_in_a_grid(engine: str):
    axes: dict[str, Any] = {"optimizer_momentum": [0, 0.9], "optimizer_weight_decay": [0, 0.01]}
    grid = sup.train(**GRID, **axes, activation=["relu", "gelu"], sparsity=0.5, engine=engine)
    point: dict[str, Any] = {"optimizer_momentum": 0.9, "optimizer_weight_decay": 0.01}
    alone = sup.train(**GRID, **point, activation="gelu", sparsity=0.5, engine=engine)
    assert abs(grid.sel(activation="gelu", **point)["W"] - alone["W"]).max() < 1e-6
    assert abs(grid["W"].diff("optimizer_momentum")).min(("hidden", "feature")).max() > 1e-4


def test_kernels_and_torch_come_to_the_same():
    one, other = (sup.train(**GRID, engine=engine) for engine in ("native", "autograd"))
    assert abs(one["W"] - other["W"]).max() < 1e-5
    assert one["training_loss"][-1] < 0.5 * one["training_loss"][0]


def test_one_that_diverges_is_frozen_and_no_neighbour_changes():
    both = sup.train(**GRID, optimizer_lr=[0.1, 1e30])
    alone = sup.train(**GRID, optimizer_lr=0.1)
    assert both["diverged"].values.tolist() == [False, True]
    assert np.isfinite(both["W"]).all()
    assert abs(both.isel(optimizer_lr=0)["W"] - alone["W"]).max() < 1e-6


def test_momentum_is_an_axis_of_ours_alone_and_below_one():
    with pytest.raises(SettingError, match=r"optimizer.momentum=1.0: must be a number in \[0, 1\)"):
        sup.Settings(optimizer="sgd", optimizer_momentum=1.0)
    with pytest.raises(SettingError, match="the chosen optimizer, adam, has none"):
        sup.Settings(optimizer_momentum=0.5)
    torchs = sup.Part("torch.optim.SGD", {"lr": 0.1, "momentum": [0.1, 0.2]})
    with pytest.raises(SettingError, match="must be one number with this optimizer"):
        sup.Settings(optimizer=torchs)
