"""The contract of an activation, tried on random numbers before anything is trained with it."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from sup.config.grid import evenly_spaced
from sup.config.options import option_of
from sup.config.rules import SettingError
from sup.config.settings import Settings
from sup.model.activations import Activation, has_pullback
from sup.model.building import activation_of
from sup.model.expressions import expressions_of

SPREAD = 3.0
"""Standard deviation of the numbers that it is tried on: those of training stay below a few."""

MOST_TRIED = 64
"""Values of an activation's own axes that are tried at the most, evenly spaced among them."""


def broken_promise(activation: Activation, instances: int) -> str | None:
    """Return which promise an activation breaks, on ``z [instance, feature, batch]``; None: none.

    Its output has the shape of z and depends on z alone, no instance's on another's and no sample's
    on another's; z is left as it is; nothing in it is trained; and a gradient that is written out
    is that of its output, whatever parameters it has been given.

    Args:
        activation: made for some instances.
        instances: how many, at least two.
    """
    z = SPREAD * torch.randn(instances, 3, 32, generator=torch.Generator().manual_seed(0))
    given = z.clone()
    y = activation(given)
    if not torch.is_tensor(y) or y.shape != z.shape:
        return "must return a tensor of the shape of z [instance, feature, batch]"
    promises: list[tuple[Callable[[], bool], str]] = [
        (lambda: not has_weights(activation), "has trainable weights; it must be fixed"),
        (lambda: torch.equal(given, z), "changes its input, which others need as it is"),
        (lambda: same(y, activation(z)), "is random; the output must depend on z alone"),
        (
            lambda: same(y[0], activation(torch.cat([z[:1], z[1:] + 1]))[0]),
            "lets instances (dimension 0) depend on each other",
        ),
        (
            lambda: same(
                y[..., 0], activation(torch.cat([z[..., :1], z[..., 1:] + 1], -1))[..., 0]
            ),
            "lets samples (dimension 2) depend on each other",
        ),
        (
            lambda: not has_pullback(activation) or is_gradient(activation, z),
            "has a pullback(z, y, g) that is not the gradient of its output",
        ),
        (
            lambda: is_written(activation, z),
            "has `expressions` that are not its output and its slope",
        ),
    ]
    return next((broken for is_kept, broken in promises if not is_kept()), None)


def has_weights(activation: Activation) -> bool:
    """Tell whether anything in an activation would be trained."""
    return isinstance(activation, nn.Module) and any(True for _ in activation.parameters())


def same(y: Tensor, other: Tensor) -> bool:
    """Tell whether two outputs are the same, where they are numbers; sums may differ in order."""
    return torch.allclose(y, other, rtol=1e-5, atol=1e-7, equal_nan=True)


def is_gradient(activation: Any, z: Tensor) -> bool:
    """Tell whether an activation's own pullback gives what autograd does, to 1e-4."""
    leaf = z.clone().requires_grad_()
    y = activation(leaf)
    g = torch.linspace(-1, 1, z.numel()).view_as(z)
    (expected,) = torch.autograd.grad(y, leaf, g)
    with torch.no_grad():
        own = activation.pullback(z, y.detach(), g)
    return torch.allclose(own, expected, rtol=1e-4, atol=1e-5, equal_nan=True)


def is_written(activation: Activation, z: Tensor) -> bool:
    """Tell whether an activation's expressions, if it has any, are its output and its slope."""
    expressions = expressions_of(activation)
    if expressions is None:
        return True
    y, slope = expressions(z)
    leaf = z.clone().requires_grad_()
    output = activation(leaf)
    (expected,) = torch.autograd.grad(output.sum(), leaf)
    close = {"rtol": 1e-4, "atol": 1e-5, "equal_nan": True}
    return torch.allclose(y, output, **close) and torch.allclose(slope, expected, **close)


def check_on_device(settings: Settings, device: torch.device) -> None:
    """Check that an activation of the user's own also works on the device where it is trained.

    What it makes by itself is on the CPU, where it has been tried, unless it says otherwise.

    Raises:
        SettingError: where it does not.
    """
    part = settings.activation
    if option_of("activation", part):
        return
    try:
        activation: Any = activation_of(part, settings.grid.points[:1], device)
        z = torch.linspace(-SPREAD, SPREAD, 96).view(1, 3, 32).to(device)
        y = activation(z)
        pulled = activation.pullback(z, y, z) if has_pullback(activation) else y
        if device.type == "cuda":
            torch.cuda.synchronize()  # an error in a kernel shows only then
        found = {one.device for one in (y, pulled)}
    except Exception as error:  # whatever a user's own code raises
        raise SettingError("activation", part.path, f"fails on {device}: {shown(error)}") from error
    if found != {z.device}:
        raise SettingError("activation", part.path, f"returns a tensor that is not on {device}")


def shown(error: Exception) -> str:
    """Return the beginning of what an error says, in one line."""
    return " ".join(str(error).split())[:200]


def check_activation(settings: Settings) -> None:
    """Check that the activation of a run keeps its contract, with every value of its parameters.

    Raises:
        SettingError: where it raises, or breaks a promise.
    """
    part, points = settings.activation, settings.grid.points
    own = {
        tuple(value for key, value in point.items() if key.startswith("activation.")): point
        for point in points
    }
    distinct = list(own.values())
    tried = [distinct[k] for k in evenly_spaced(len(distinct), MOST_TRIED)]
    tried = tried * 2 if len(tried) == 1 else tried
    cause = None
    try:
        activation = activation_of(part, tried, torch.device("cpu"))
        broken = broken_promise(activation, len(tried))
    except Exception as error:  # whatever a user's own code raises
        broken, cause = f"fails on z [instance, feature, batch]: {shown(error)}", error
    if broken:
        given = "".join(f" {name}={value}" for name, value in part.parameters.items())
        raise SettingError("activation", f"{part.path}{given}", broken) from cause
