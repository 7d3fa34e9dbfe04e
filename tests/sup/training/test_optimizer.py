"""The stacked optimizer against torch's own."""

import copy
from typing import Any

import numpy as np
import pytest
import torch

from sup.training.optimizer import StackedAdam
from sup.training.optimizer_state import take_instances


def parameters(instances: int) -> list[torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    shapes = [(instances, 3, 5), (instances, 5)]
    return [torch.randn(shape, generator=generator).requires_grad_() for shape in shapes]


def gradients(like: list[torch.Tensor], step: int) -> list[torch.Tensor]:
    generator = torch.Generator().manual_seed(step + 1)
    return [torch.randn(one.shape, generator=generator) * 10.0 ** (step % 5 - 3) for one in like]


def train(params: list[torch.Tensor], optimizer, steps: range = range(50)) -> None:
    for step in steps:
        for group in optimizer.param_groups:
            group["lr"] = group.setdefault("initial", group["lr"]) * (1 - step / 50)
        for parameter, gradient in zip(params, gradients(params, step), strict=True):
            parameter.grad = gradient
        optimizer.step()


def close(one: list[torch.Tensor], other: list[torch.Tensor]) -> bool:
    return all(torch.allclose(a, b, rtol=1e-5, atol=1e-6) for a, b in zip(one, other, strict=True))


@pytest.mark.parametrize("decay", [0.0, 0.1])
def test_equal_settings_are_torchs_adamw(decay: float):
    ours, theirs = parameters(4), parameters(4)
    train(ours, StackedAdam(ours, torch.full((4,), 0.01), torch.full((4,), decay)))
    train(theirs, torch.optim.AdamW(theirs, lr=0.01, weight_decay=decay))
    assert close(ours, theirs)


def test_each_instance_has_its_own_rate_and_decay():
    rates, decays = [0.1, 0.01, 0.001], [0.0, 0.1, 1.0]
    ours = parameters(3)
    train(ours, StackedAdam(ours, torch.tensor(rates), torch.tensor(decays)))
    for k in range(3):
        theirs = parameters(3)
        train(theirs, torch.optim.AdamW(theirs, lr=rates[k], weight_decay=decays[k]))
        assert close([one[k] for one in ours], [one[k] for one in theirs])


def test_state_can_be_saved_and_taken_over():
    def fresh():
        params = parameters(2)
        return params, StackedAdam(params, torch.tensor([0.1, 0.01]), torch.zeros(2))

    whole, undisturbed = fresh()
    train(whole, undisturbed)
    first, optimizer = fresh()
    train(first, optimizer, range(20))
    saved = copy.deepcopy(optimizer.state_dict())
    second, optimizer = fresh()
    for parameter, value in zip(second, first, strict=True):
        parameter.data.copy_(value)
    optimizer.load_state_dict(saved)
    train(second, optimizer, range(20, 50))
    assert all(torch.equal(a, b) for a, b in zip(whole, second, strict=True))
    one, other = undisturbed.state_dict()["state"], optimizer.state_dict()["state"]
    assert one.keys() == other.keys() == {0, 1}
    for index, moments in one.items():
        assert moments.keys() == {"mean", "square", "group"}
        assert all(torch.equal(moments[name], other[index][name]) for name in moments)


def test_some_instances_go_on_with_what_is_theirs():
    rates, chosen = torch.tensor([0.1, 0.01, 0.001]), torch.tensor([2, 0])
    whole = parameters(3)
    optimizer = StackedAdam(whole, rates, torch.zeros(3))
    schedule = torch.optim.lr_scheduler.ExponentialLR(optimizer, 0.9)
    train(whole, optimizer, range(20))
    states = {
        "optimizer_states": [optimizer.state_dict()],
        "lr_schedulers": [schedule.state_dict()],
    }
    checkpoint = copy.deepcopy(states)
    take_instances(checkpoint, chosen)
    left = [one.detach()[chosen].clone().requires_grad_() for one in whole]
    own = StackedAdam(left, rates[chosen], torch.zeros(2))
    own.load_state_dict(checkpoint["optimizer_states"][0])
    assert torch.equal(own.rates(), optimizer.rates()[chosen])
    (held,) = checkpoint["lr_schedulers"]
    assert held["base_lrs"] == pytest.approx([0.001, 0.1])
    for one, other, gradient in zip(whole, left, gradients(whole, 20), strict=True):
        one.grad, other.grad = gradient, gradient[chosen]
    optimizer.step()
    own.step()
    assert close([one[chosen] for one in whole], left)


SCHEDULES = {
    "constant": {},
    "ConstantLR": {"factor": 0.3, "total_iters": 7},
    "CosineAnnealingLR": {"T_max": 40, "eta_min": 0.01},
    "CosineAnnealingWarmRestarts": {"T_0": 10, "eta_min": 0.002},
    "CyclicLR": {"base_lr": 0.001, "max_lr": 0.1, "step_size_up": 8, "cycle_momentum": False},
    "ExponentialLR": {"gamma": 0.93},
    "LinearLR": {"start_factor": 0.1, "total_iters": 20},
    "MultiStepLR": {"milestones": [5, 20], "gamma": 0.2},
    "OneCycleLR": {"max_lr": 0.05, "total_steps": 60, "cycle_momentum": False},
    "PolynomialLR": {"total_iters": 30, "power": 2.0},
    "StepLR": {"step_size": 9, "gamma": 0.5},
}


def scheduled(optimizer, name: str) -> None:
    """Take forty steps under one of torch's schedules."""
    make = getattr(torch.optim.lr_scheduler, name, None)
    schedule = make(optimizer, **SCHEDULES[name]) if make else None
    params = optimizer.param_groups[0]["params"]
    for step in range(40):
        for parameter, gradient in zip(params, gradients(params, step), strict=True):
            parameter.grad = gradient
        optimizer.step()
        if schedule:
            schedule.step()


@pytest.mark.parametrize("name", SCHEDULES)
def test_a_schedule_of_torch_does_what_it_does_with_torchs_own_optimizer(name: str):
    rates, decays = [0.03, 0.002, 0.03], [0.1, 0.0, 0.5]
    ours = parameters(3)
    scheduled(StackedAdam(ours, torch.tensor(rates), torch.tensor(decays)), name)
    for k in range(3):
        theirs = parameters(3)
        scheduled(torch.optim.AdamW(theirs, lr=rates[k], weight_decay=decays[k]), name)
        assert close([one[k] for one in ours], [one[k] for one in theirs])


def test_a_constant_rate_and_a_cosine_that_ends_at_it_are_the_same():
    import sup

    small: dict[str, Any] = {"n_features": 5, "n_hidden": 2, "steps": 200, "batch_size": 64}
    constant = sup.train(scheduler="constant", **small)
    cosine = sup.train(scheduler="cosine", scheduler_eta_min=0.01, **small)
    assert abs(constant["W"] - cosine["W"]).max() < 1e-6


def chained(optimizer):
    """Return a chain of schedules, whose state is a list of theirs."""
    own = torch.optim.lr_scheduler
    parts = [own.ExponentialLR(optimizer, 0.9), own.MultiStepLR(optimizer, [3, 8, 9])]
    return own.ChainedScheduler(parts, optimizer=optimizer)


def go_on(params, optimizer, schedule, steps: range, chosen: Any = slice(None)) -> None:
    """Take some steps, each instance by the gradient that it has among all four."""
    for step in steps:
        for one, gradient in zip(params, gradients(parameters(4), step), strict=True):
            one.grad = gradient[chosen].clone()
        optimizer.step()
        schedule.step()


@pytest.mark.parametrize("chosen", [[0, 3], [3, 1], [2], [0, 1, 2, 3]])
def test_some_instances_go_on_as_they_would_have_with_the_others(chosen: list[int]):
    rates, decays = torch.tensor([0.1, 0.001, 0.01, 0.1]).double(), torch.tensor([0, 0, 1, 0.5])
    whole = parameters(4)
    optimizer = StackedAdam(whole, rates, decays)
    schedule = chained(optimizer)
    go_on(whole, optimizer, schedule, range(6))
    other = torch.optim.Adam(parameters(4))
    go_on(other.param_groups[0]["params"], other, chained(other), range(2))
    checkpoint = {
        "optimizer_states": copy.deepcopy([other.state_dict(), optimizer.state_dict()]),
        "lr_schedulers": copy.deepcopy([schedule.state_dict()]),
    }
    checkpoint["lr_schedulers"][0]["lr_lambdas"] = [None] * 3  # as LambdaLR has it
    take_instances(checkpoint, torch.tensor(chosen))
    plain, ours = checkpoint["optimizer_states"]
    assert plain["state"][0]["exp_avg"].shape == (len(chosen), 3, 5)
    assert plain["state"][0]["step"].ndim == 0
    assert ours["param_groups"][0]["params"] == [0, 1]
    kept = len(ours["param_groups"])
    numbers = [number for group in ours["param_groups"] for number in group["params"]]
    assert numbers == list(range(kept + 1))
    (chain,) = checkpoint["lr_schedulers"]
    for state in (chain["_schedulers"][0], chain["_schedulers"][1]):
        assert len(state["base_lrs"]) == len(state["_last_lr"]) == kept
    assert len(chain["lr_lambdas"]) == kept
    left = [one.detach()[chosen].clone().requires_grad_() for one in whole]
    own = StackedAdam(left, rates[chosen], decays[chosen])
    held = chained(own)
    own.load_state_dict(ours)
    held.load_state_dict(checkpoint["lr_schedulers"][0])
    assert own.rates().dtype == torch.float64
    go_on(whole, optimizer, schedule, range(6, 12))
    go_on(left, own, held, range(6, 12), chosen)
    assert torch.equal(own.rates(), optimizer.rates()[chosen])
    assert close([one[chosen] for one in whole], left)
    assert held.state_dict()["_last_lr"] == [group["lr"] for group in own.param_groups]


def test_rates_are_as_exact_as_they_were_given():
    given = torch.tensor([0.3, 0.1], dtype=torch.float64)
    optimizer = StackedAdam(parameters(2), given, torch.zeros(2))
    assert optimizer.rates().tolist() == [0.3, 0.1]


@pytest.mark.parametrize("given", [{"betas": (1.0, 0.9)}, {"betas": (0.9, -0.1)}, {"eps": -1.0}])
def test_what_torchs_adam_refuses_is_refused(given: dict[str, Any]):
    with pytest.raises(ValueError, match=r"two in \[0, 1\), and at least 0"):
        StackedAdam(parameters(1), torch.ones(1), torch.zeros(1), **given)


def test_what_torchs_adam_takes_is_taken():
    params = parameters(2)
    StackedAdam(params, torch.ones(2), torch.zeros(2), betas=(0.0, 0.0), eps=0.0)


def test_steps_that_a_kernel_has_taken_are_counted_and_its_schedule_does_not_warn():
    params = parameters(2)
    optimizer = StackedAdam(params, torch.tensor([0.1, 0.2]), torch.zeros(2))
    schedule = torch.optim.lr_scheduler.ExponentialLR(optimizer, 0.5)
    assert optimizer.passed(3) == 0
    schedule.step()  # a warning would be an error
    assert optimizer.passed(4) == 3
    assert optimizer.param_groups[0]["step"] == 7


def test_steps_that_are_taken_elsewhere_are_told_what_each_needs():
    """Of a schedule in the middle of its way: rates, and the biases of the moments."""
    optimizer = StackedAdam([torch.zeros(2, 3)], torch.tensor([0.2, 0.1]), torch.zeros(2))
    schedule = torch.optim.lr_scheduler.StepLR(optimizer, 2, 0.5)
    for first in (1, 4):
        rate, mean, square = optimizer.scheduled(schedule, 3)
        counts = range(first, first + 3)
        expected = [[0.1 * 0.5 ** ((t - 1) // 2), 0.2 * 0.5 ** ((t - 1) // 2)] for t in counts]
        assert rate == pytest.approx(np.array(expected), rel=1e-6)
        assert mean == pytest.approx([1 - 0.9**t for t in counts], rel=1e-6)
        assert square == pytest.approx([1 - 0.999**t for t in counts], rel=1e-5)
        assert {one.dtype for one in (rate, mean, square)} == {np.dtype(np.float32)}
    assert optimizer.param_groups[0]["step"] == 6
