"""From settings to what they describe: the parts of each instance, and whether they can be."""

import functools
import inspect
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from sup.config.callbacks import check_foreign
from sup.config.grid import GIVEN, Number
from sup.config.options import has_sparsity, setting_of
from sup.config.part import Part, check_located, nodes
from sup.config.rules import SettingError
from sup.config.settings import LIGHTNINGS, NAMED, Settings
from sup.model.activations import Activation

Points = Sequence[Mapping[str, Number]]
"""The axis settings of some instances, by key."""


def column(points: Points, key: str) -> Tensor:
    """Return one setting of every instance, ``[instance]``, in float64."""
    return torch.tensor([point[key] for point in points], dtype=torch.float64)


def call_part(part: Part, group: str, points: Points, **given: Any) -> Tensor:
    """Call the function of a part, each of its axis settings a column ``[instance, 1]``.

    A list with a number for each feature arrives as a row ``[1, feature]``.

    Args:
        part: what is called.
        group: what it is of, such as ``importance``.
        points: the instances.
        given: further arguments of the function.

    Returns:
        One row for each instance.
    """
    return called(part, group, points, **given).expand(len(points), -1)


def called(part: Part, group: str, points: Points, **given: Any) -> Any:
    """Call the function of a part as `call_part` does, and return what it returns."""
    arguments = dict(given)
    for name, value in part.parameters.items():
        about = setting_of(group, part, name)
        if f"{group}.{name}" in points[0]:
            arguments[name] = column(points, f"{group}.{name}")[:, None]
        elif about and about.per_feature:
            arguments[name] = torch.tensor([value], dtype=torch.float64)
        else:
            arguments[name] = value
    return part.locate()(**arguments)


def structure_of(part: Part, points: Points) -> Any:
    """Return what some models are made of; numbers that are axes are ``[instance]``, in float64."""
    axes = [key for key in points[0] if key.startswith("model.")]
    own = {key.rpartition(".")[2]: column(points, key) for key in axes}
    return part.locate()(**{**part.parameters, **own})


def activation_of(
    part: Part, points: Points, device: torch.device, dtype: torch.dtype = torch.float32
) -> Activation:
    """Make the activation of a block of instances: from a class, or of a function as it is.

    A parameter that is an axis reaches it as a tensor ``[instance, 1, 1]``, ready to broadcast with
    ``z [instance, feature, batch]``; any other as it stands.

    Args:
        part: the activation.
        points: the instances of the block.
        device: where its tensors are to be.
        dtype: what they are to be.
    """
    target = part.locate()
    parameters = {
        name: column(points, f"activation.{name}").to(device, dtype)[:, None, None]
        if isinstance(value, list) and f"activation.{name}" in points[0]
        else value
        for name, value in part.parameters.items()
    }
    activation: Any = functools.partial(target, **parameters) if parameters else target
    if inspect.isclass(target):
        activation = target(**parameters)
    return activation.to(device) if isinstance(activation, nn.Module) else activation


def check_parts(settings: Settings) -> None:
    """Check that all that is called without Lightning can be found, and takes its parameters.

    Raises:
        SettingError: for the first target that cannot be found, or refuses its arguments.
    """
    for group in NAMED:
        check_part(group, getattr(settings, group))


def check_lightnings(settings: Settings) -> None:
    """Check trainer, loggers and callbacks in the same way, and that stacks can have these.

    Raises:
        SettingError: for the first that is not.
    """
    for group in LIGHTNINGS:
        check_part(group, getattr(settings, group))
    for name, part in settings.callbacks.items():
        if part is None:
            continue
        key = f"callbacks.{name}"
        kinds = getattr(check_part(key, part), "__mro__", ())
        bases = [f"{base.__module__}.{base.__qualname__}" for base in kinds]
        if bases and "lightning.pytorch.callbacks.callback.Callback" not in bases:
            raise SettingError(f"{key}._target_", part.path, "is no callback of Lightning's")
        for base in bases:
            check_foreign(name, base)


def check_part(key: str, part: Part) -> Any:
    """Return the target of a part, after a look at its arguments, and at the parts in them.

    Raises:
        SettingError: where it cannot be found, or refuses its arguments.
    """
    target = check_located(key, part.target)
    check_arguments(key, part, target)
    for inner_key, inner in nodes(part.parameters, key):
        check_arguments(inner_key, inner, check_located(inner_key, inner.target))
    return target


def check_arguments(key: str, part: Part, target: Any) -> None:
    """Check that what is to be called takes the parameters that it will be called with.

    Raises:
        SettingError: where it does not.
    """
    try:
        signature = inspect.signature(target)
    except (TypeError, ValueError):
        return  # a builtin, which cannot be asked
    without = ("sparsity",) if key == "features" and not has_sparsity(part) else ()
    names = [name for name in GIVEN.get(key, ()) if name not in without]
    given = dict.fromkeys([*names, *part.parameters])
    complete = key in GIVEN and (key != "activation" or inspect.isclass(target))
    try:
        signature.bind_partial(**given)
        if complete:
            signature.bind(**given)
    except TypeError as error:
        raise SettingError(f"{key}._target_", part.path, str(error)) from error
