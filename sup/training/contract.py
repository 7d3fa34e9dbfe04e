"""The contract of an optimizer and a schedule, tried on two small models before any is trained."""

import warnings
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from sup.config.grid import own_rates
from sup.config.part import Part
from sup.config.rules import SettingError, in_one_line
from sup.config.settings import Settings

STEPS = 2


def check_optimizer(settings: Settings) -> None:
    """Check that optimizer and schedule take their settings, and steps as training takes them.

    Raises:
        SettingError: where one fails, or an instance's steps depend on its neighbour's.
    """
    alone, beside = (_tried(settings, scale) for scale in (1.0, 100.0))
    if not all(torch.equal(one[0], other[0]) for one, other in zip(alone, beside, strict=True)):
        coupled = "lets instances (dimension 0) depend on each other; it mixes a tensor's numbers"
        raise SettingError("optimizer", settings.optimizer.path, coupled)


def _tried(settings: Settings, scale: float) -> list[Tensor]:
    """Return two models after a few steps, the second's gradients scaled."""
    generator = torch.Generator().manual_seed(0)
    parameters = [torch.randn(shape, generator=generator) for shape in ((2, 3, 4), (2, 4))]
    parameters = [one.requires_grad_() for one in parameters]
    part = settings.optimizer
    for name in own_rates(settings):
        value = part.parameters[name]
        ends = [value[0], value[-1]] if isinstance(value, list) else [value] * 2
        part = part.changed(**{name: torch.tensor(ends, dtype=torch.float64)})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of a few steps, which are not the training
        optimizer = _attempt("optimizer", part, lambda: part.make(parameters))
        if not isinstance(optimizer, torch.optim.Optimizer):
            raise SettingError("optimizer", part.path, "must be an optimizer of torch's kind")
        schedule = settings.part("scheduler")
        scheduler = _attempt("scheduler", schedule, lambda: schedule.make(optimizer))
        if not isinstance(scheduler, torch.optim.lr_scheduler.LRScheduler):
            raise SettingError("scheduler", schedule.path, "must be a scheduler of torch's kind")
        if (total := getattr(scheduler, "total_steps", settings.steps)) < settings.steps:
            few = f"is less than steps={settings.steps}, after which it refuses to go on"
            raise SettingError("scheduler.total_steps", total, few)
        for _ in range(STEPS):
            for one in parameters:
                one.grad = torch.randn(one.shape, generator=generator)
                one.grad[1] *= scale
            _attempt("optimizer", part, optimizer.step)
            _attempt("scheduler", schedule, scheduler.step)
    return [one.detach() for one in parameters]


def _attempt(key: str, part: Part, action: Callable[[], Any]) -> Any:
    try:
        return action()
    except Exception as error:  # whatever somebody else's code raises
        reason = f"cannot be used in a stack ({in_one_line(error)})"
        raise SettingError(key, part.path, reason) from error
