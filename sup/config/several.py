"""Several loggers for one run: a list of options, such as `logger=[csv,wandb]`, as one part.

What is set of the logger, such as `logger.project=mine`, is set for those of them that take it.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from sup.config.fields import Option
from sup.config.part import Part
from sup.config.rules import SettingError

TARGET = "sup.training.loggers.several"


def several(
    options: Mapping[str, Option], names: Sequence[Any], given: Mapping[str, Any] | None = None
) -> Part:
    """Return a part that stands for several options of the group of loggers.

    Args:
        options: those that there are.
        names: those that are chosen.
        given: settings by name, each of them for all that take it.

    Raises:
        SettingError: where they cannot be together.
    """
    known = [name for name in options if name != "none"]
    given = given or {}
    if not names or any(name not in known for name in names) or len({*names}) < len(names):
        allowed = f"a list must have one or more of {', '.join(sorted(known))}, each once"
        raise SettingError("logger", list(names), allowed)
    own = {
        name: {key: given.get(key, value) for key, value in options[name].defaults.items()}
        for name in names
    }
    if len(own) == 1:
        ((name, parameters),) = own.items()
        return Part(options[name].target, parameters, name=name)
    nodes = {
        name: {"_target_": options[name].target, "_partial_": True, **own[name]} for name in own
    }
    return Part(TARGET, nodes, name=",".join(own))


def members(part: Part) -> dict[str, Part]:
    """Return the parts that one stands for, by name: itself, if it is one.

    Raises:
        SettingError: where it stands for anything but parts.
    """
    if part.path != TARGET:
        return {part.name: part}
    for name, node in part.parameters.items():
        if not (isinstance(node, Mapping) and "_target_" in node):
            raise SettingError(f"logger.{name}", node, "must be a logger")
    return {name: Part.of(node, name) for name, node in part.parameters.items()}


def arguments_of(options: Mapping[str, Option], part: Part) -> dict[str, Any]:
    """Return the arguments of `Settings` that make a part of several."""
    usual = several(options, list(part.parameters)).parameters
    changes = {
        f"logger_{key}": value
        for name, node in part.parameters.items()
        for key, value in node.items()
        if value != usual[name].get(key)
    }
    return {"logger": list(part.parameters), **changes}


def with_name(part: Part) -> Part:
    """Return a part, as it may stand in a config, under the names of those that it stands for."""
    if part.path != TARGET or part.is_named:
        return part
    return Part(part.target, part.parameters, part.lists, ",".join(part.parameters))


def with_setting(part: Part, key: str, value: Any) -> Part | None:
    """Return a part of several with a setting changed in those that have it; None: none has."""
    taking = {name: node for name, node in part.parameters.items() if key in node}
    changed = {name: {**node, key: value} for name, node in taking.items()}
    return part.changed(**changed) if changed else None


def wandb_part(logger: Part) -> Part | None:
    """Return what a setting has for a logger of W&B's, if it has, without importing it."""
    return next((part for part in members(logger).values() if "wandb" in part.path), None)


def is_wandb(logger: Part) -> bool:
    """Tell whether a setting is for a logger of W&B's."""
    return wandb_part(logger) is not None
