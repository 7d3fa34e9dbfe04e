"""From config nodes to what they describe: the parts of each instance, and whether they can be."""

import functools
import inspect
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from hydra._internal.utils import _locate  # hydra.utils.get_object reports errors twice
from hydra.utils import instantiate
from omegaconf import DictConfig
from torch import Tensor, nn

from sup.cli.targets import targets
from sup.config.grid import Grid, Number, as_dict
from sup.config.settings import SettingError
from sup.model.activations import Activation


def instance_column(grid: Grid, key: str) -> Tensor:
    """Return one setting of every instance, ``[instance]``, in float64."""
    return torch.tensor(grid.column(key), dtype=torch.float64)


def call_part(node: DictConfig, part: str, grid: Grid, **given: Any) -> Tensor:
    """Call the function that a config node names, each of its numbers a column ``[instance, 1]``.

    Args:
        node: a config node with a ``_target_``.
        part: the node's key, such as ``importance``.
        grid: the instances of the run.
        given: further arguments of the function.

    Returns:
        One row for each instance of the grid.
    """
    columns = {
        name: instance_column(grid, f"{part}.{name}")[:, None]
        for name in as_dict(node)
        if f"{part}.{name}" in grid.settings
    }
    others = {name: value for name, value in as_dict(node).items() if name not in columns}
    result = instantiate({**others, "_partial_": True})(**given, **columns)
    return result.expand(grid.size, -1)


def activation_of(
    node: DictConfig, points: Sequence[Mapping[str, Number]], device: torch.device
) -> Activation:
    """Make the activation of a block of instances: from a class, or of a function as it is.

    A parameter that is a list in the config reaches it as a tensor ``[instance, 1, 1]``, ready to
    broadcast with ``z [instance, feature, batch]``; any other as it stands.

    Args:
        node: its config node.
        points: the settings of each instance of the block, by key.
        device: where its tensors are to be.
    """
    fields = as_dict(node)
    target = _locate(fields.pop("_target_"))
    parameters = {
        name: torch.tensor(
            [point[f"activation.{name}"] for point in points], device=device
        ).float()[:, None, None]
        if isinstance(value, list)
        else value
        for name, value in fields.items()
    }
    if not inspect.isclass(target):
        return functools.partial(target, **parameters)
    activation: Any = target(**parameters)
    return activation.to(device) if isinstance(activation, nn.Module) else activation


def check_activation(node: DictConfig, grid: Grid) -> None:
    """Try a user's activation on random numbers and see that it keeps the contract.

    Raises:
        SettingError: where it raises, is trained, is random, changes the shape, or mixes instances
            or samples.
    """
    points = [grid.points[0], grid.points[-1]]
    generator = torch.Generator().manual_seed(0)
    z = torch.randn(2, 3, 4, generator=generator)

    def refuse(reason: str) -> SettingError:
        return SettingError("activation", node["_target_"], reason)

    try:
        activation = activation_of(node, points, torch.device("cpu"))
        y, again = activation(z), activation(z)
        neighbours = activation(torch.cat([z[:1], z[1:] + 1]))
        samples = activation(torch.cat([z[..., :1], z[..., 1:] + 1], dim=-1))
    except Exception as error:  # whatever a user's own code raises
        reason = " ".join(str(error).split())[:200]
        raise refuse(f"fails on z [instance, feature, batch]: {reason}") from error
    if isinstance(activation, nn.Module) and any(True for _ in activation.parameters()):
        raise refuse("has trainable weights; it must be fixed")
    if not torch.is_tensor(y) or y.shape != z.shape:
        raise refuse("must return a tensor of the shape of z [instance, feature, batch]")
    if not torch.equal(y.nan_to_num(), again.nan_to_num()):
        raise refuse("is random; the output must depend on z alone")
    if not torch.allclose(y[0], neighbours[0], equal_nan=True):
        raise refuse("lets instances (dimension 0) depend on each other")
    if not torch.allclose(y[..., 0], samples[..., 0], equal_nan=True):
        raise refuse("lets samples (dimension 2) depend on each other")


def target_name(node: DictConfig) -> str:
    """Return the name that a part has in results: its class or function, in lower case."""
    return str(node["_target_"]).rpartition(".")[-1].lower()


GIVEN = {
    "activation": (),
    "importance": ("n_features",),
    "init": ("n_features", "n_hidden"),
}
"""What the parts are called with, beside what stands in their config."""


def check_parts(config: DictConfig) -> None:
    """Check that everything a config names can be found and used.

    Raises:
        SettingError: for the first target that cannot be found, refuses its arguments, or is an
            activation that breaks its contract.
    """
    for key, node in targets(config):
        name = node["_target_"]
        try:
            target = _locate(name)
        except Exception as error:  # whatever a user's module raises when it is imported
            reason = " ".join(str(error).splitlines()[:2])
            raise SettingError(f"{key}._target_", name, f"cannot be loaded: {reason}") from error
        _check_arguments(key, node, target)
    if not str(config.activation["_target_"]).startswith("sup."):
        check_activation(config.activation, Grid.of(config))


def _check_arguments(key: str, node: DictConfig, target: Any) -> None:
    given = [*GIVEN.get(key, ()), *(field for field in node if not str(field).startswith("_"))]
    try:
        signature = inspect.signature(target)
    except (TypeError, ValueError):
        return  # a builtin, which cannot be asked
    complete = key in GIVEN and (key != "activation" or inspect.isclass(target))
    arguments = dict.fromkeys(map(str, given))
    try:
        signature.bind_partial(**arguments)
        if complete:
            signature.bind(**arguments)
    except TypeError as error:
        raise SettingError(f"{key}._target_", node["_target_"], str(error)) from error
