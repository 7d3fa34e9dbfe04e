"""From config nodes to what they describe: the parts of each instance, and whether they can be."""

import inspect
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import torch
from hydra._internal.utils import _locate  # get_object, without its second report on the console
from hydra.utils import instantiate
from omegaconf import DictConfig, OmegaConf
from torch import Tensor, nn

from sup.activations import Activation
from sup.grid import Grid, Number, as_dict
from sup.settings import SettingError


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
    """Instantiate the activation of a block of instances.

    A parameter that is a list in the config reaches it as a tensor ``[instance, 1, 1]``, ready to
    broadcast with ``z [instance, feature, batch]``; any other as it stands.

    Args:
        node: its config node.
        points: the settings of each instance of the block, by key.
        device: where its tensors are to be.

    Raises:
        SettingError: where the activation has weights of its own to train.
    """
    fields = as_dict(node)
    columns = {
        name: torch.tensor([point[f"activation.{name}"] for point in points], device=device).float()
        for name, value in fields.items()
        if isinstance(value, list)
    }
    others = {name: value for name, value in fields.items() if name not in columns}
    activation = instantiate({**others, "_partial_": True})(
        **{name: column[:, None, None] for name, column in columns.items()}
    )
    if isinstance(activation, nn.Module):
        if any(True for _ in activation.parameters()):
            raise SettingError(
                "activation", target_name(node), "has trainable weights; it must be fixed"
            )
        activation = activation.to(device)
    return activation


def target_name(node: DictConfig) -> str:
    """Return the name that a part has in results: its class or function, in lower case."""
    return str(node["_target_"]).rpartition(".")[-1].lower()


def targets(config: DictConfig, parents: str = "") -> Iterator[tuple[str, DictConfig]]:
    """Yield every node of a config that names a ``_target_``, with its key."""
    for name, node in config.items_ex(resolve=False):
        if OmegaConf.is_dict(node):
            key = f"{parents}{name}"
            if "_target_" in node:
                yield key, node
            yield from targets(node, f"{key}.")


def check_targets(config: DictConfig) -> None:
    """Check that everything a config names can be found and takes the arguments it is given.

    Raises:
        SettingError: for the first target that cannot be found or refuses an argument.
    """
    for key, node in targets(config):
        name = node["_target_"]
        try:
            target = _locate(name)
        except Exception as error:  # whatever a user's module raises when it is imported
            reason = " ".join(str(error).splitlines()[:2])
            raise SettingError(f"{key}._target_", name, f"cannot be loaded: {reason}") from error
        arguments = [field for field in node if not str(field).startswith("_")]
        try:
            inspect.signature(target).bind_partial(**dict.fromkeys(map(str, arguments)))
        except (TypeError, ValueError) as error:
            raise SettingError(f"{key}._target_", name, str(error)) from error
