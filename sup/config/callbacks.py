"""What happens during training, by name: the settings below `callbacks`."""

from collections.abc import Mapping
from typing import Any

from sup.config.options import CALLBACKS
from sup.config.part import Part
from sup.config.rules import SettingError


def usual_callbacks() -> dict[str, Part | None]:
    """Return the callbacks where nothing is said."""
    return {name: Part(option.target, option.defaults) for name, option in CALLBACKS.items()}


def callbacks_of(held: Any) -> dict[str, Part | None]:
    """Make callbacks of their config, nodes by name.

    Raises:
        SettingError: where they are something else.
    """
    if not isinstance(held, Mapping):
        raise SettingError("callbacks", held, "must be callbacks by name")
    for name, node in held.items():
        if node is not None and not (isinstance(node, Mapping) and "_target_" in node):
            raise SettingError(f"callbacks.{name}", node, "must have a _target_, or be null")
    return {name: Part.of(node) if node else None for name, node in held.items()}
