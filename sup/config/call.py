"""The call that makes some settings: what differs from the defaults."""

from collections.abc import Collection
from dataclasses import fields
from typing import Any

from sup.config.options import OPTIONS, option_of, part_of
from sup.config.part import Part
from sup.config.several import TARGET as SEVERAL
from sup.config.several import arguments_of


def differences(settings: Any, usual: Any, groups: Collection[str]) -> dict[str, Any]:
    """Return the arguments that make some settings of the defaults.

    Args:
        settings: the settings.
        usual: the defaults.
        groups: names of those that are parts.
    """
    changes: dict[str, Any] = {}
    for one in fields(settings):
        value, plain = getattr(settings, one.name), getattr(usual, one.name)
        if one.name == "stack":
            own, held = vars(value), vars(plain)
            changes |= {f"stack_{key}": own[key] for key in own if own[key] != held[key]}
        elif one.name in groups:
            changes |= part_differences(one.name, value, plain)
        elif value != plain and not (one.name == "sparsity" and value is None):
            changes[one.name] = value
    return changes


def part_differences(group: str, part: Part, plain: Part) -> dict[str, Any]:
    """Return the arguments that make one part of another."""
    if part.path == SEVERAL:
        return arguments_of(OPTIONS[group], part)
    option, chosen = option_of(group, part), {}
    if part.path != plain.path or part.name != plain.name:
        chosen = {group: part.name if option else part.target}
    usual = part_of(group, part.name).parameters if option else {}
    return chosen | {
        f"{group}_{key}": value
        for key, value in part.parameters.items()
        if key not in usual or usual[key] != value
    }
