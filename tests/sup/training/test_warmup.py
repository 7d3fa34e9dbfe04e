"""Schedules by name, against torch's own."""

import numpy as np
import pytest
import torch

import sup
from sup.training.optimizer import StackedAdam

STEPS = 40
OWN = torch.optim.lr_scheduler


def rates_of(name: str, **given) -> np.ndarray:
    """Return the rates ``[step, instance]`` that a kernel is told of a schedule by its option."""
    optimizer = StackedAdam([torch.zeros(2, 3)], torch.tensor([0.1, 0.2]), torch.zeros(2))
    settings = sup.Settings(steps=STEPS, scheduler=name, **given)
    schedule = settings.part("scheduler").make(optimizer)
    return optimizer.scheduled(schedule, STEPS)[0]


def torchs(make) -> np.ndarray:
    """Return the same of one of torch's schedules, for torch's own optimizer."""
    optimizer = torch.optim.SGD([torch.zeros(1)], 1.0)
    schedule = make(optimizer)
    found = []
    for _ in range(STEPS):
        found.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        schedule.step()
    return np.array(found)[:, None] * [0.1, 0.2]


def test_linear_is_torchs_down_to_zero():
    expected = torchs(lambda own: OWN.LambdaLR(own, lambda step: 1 - step / STEPS))
    assert rates_of("linear") == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("share", [0.05, 0.25, 0.9])
def test_warmup_is_torchs_linear_rate_and_then_its_cosine(share: float):
    up = round(share * STEPS)

    def chain(own):
        first = OWN.LinearLR(own, 1 / up, total_iters=max(up - 1, 1))
        return OWN.SequentialLR(own, [first, OWN.CosineAnnealingLR(own, STEPS - up)], [up])

    rates = rates_of("warmup", scheduler_warmup=share)
    assert rates == pytest.approx(torchs(chain), rel=1e-5, abs=1e-9)
    assert rates.max() == pytest.approx(0.2)


def test_no_warmup_is_cosine_and_after_its_end_the_rate_stays_zero():
    assert rates_of("warmup", scheduler_warmup=0) == pytest.approx(rates_of("cosine"), abs=1e-7)
    assert (rates_of("warmup", scheduler_T_max=30)[30:] == 0).all()


@pytest.mark.parametrize("scheduler", ["linear", "warmup"])
def test_a_schedule_follows_the_steps_and_kernels_take_it(scheduler: str):
    assert sup.Settings(scheduler=scheduler).changed(steps=7).part("scheduler").parameters.keys()
    small = {"n_features": 5, "n_hidden": 2, "steps": 120, "batch_size": 64}
    axes = {"scheduler": scheduler, "optimizer_lr": [0.01, 0.003]}
    one, other = (sup.train(**small, **axes, engine=engine) for engine in ("native", "eager"))
    assert abs(one["W"] - other["W"]).max() < 2e-5
