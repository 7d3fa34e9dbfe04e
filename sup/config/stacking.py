"""How runs are put into stacks: the settings below `stack`."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from sup.config.fields import Setting, setting
from sup.config.rules import AT_LEAST_ONE, POSITIVE, SettingError, or_else, unknown


@dataclass(frozen=True)
class StackSettings:
    """How runs are put into stacks."""

    max_instances: int | None = setting(
        Setting(None, or_else(AT_LEAST_ONE, None), "models in one stack; null: as memory allows")
    )
    max_memory: int | float | None = setting(
        Setting(
            None,
            or_else(POSITIVE, None),
            "GiB that a stack may take; null: 0.8 of the device's memory",
        )
    )
    devices: int | str = setting(
        Setting(
            "auto",
            or_else(AT_LEAST_ONE, "auto"),
            "stacks trained side by side, a process each; auto: one for each GPU; the CPU is one",
        )
    )


def stack_of(held: Any) -> StackSettings:
    """Make the settings of stacks of their config.

    Raises:
        SettingError: where there is one that is not known, or something else.
    """
    names = [one.name for one in fields(StackSettings)]
    if not isinstance(held, Mapping):
        raise SettingError("stack", held, f"must be settings by name: {', '.join(names)}")
    for name, value in held.items():
        if name not in names:
            raise unknown(f"stack.{name}", value, (f"stack.{known}" for known in names))
    return StackSettings(**held)
