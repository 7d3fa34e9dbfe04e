"""Settings of a part that stand for another setting: a schedule of ``${steps}`` steps."""

import re
from collections.abc import Mapping
from typing import Any

from sup.config.part import Part


def referred(value: Any) -> str:
    """Return what a value stands for, ``steps`` for ``${steps}``; nothing if it is a plain one."""
    found = re.fullmatch(r"\$\{(\w+)\}", value) if isinstance(value, str) else None
    return found[1] if found else ""


def resolved(part: Part, settings: Mapping[str, Any]) -> Part:
    """Return a part with the values of the settings that it refers to."""
    values = {
        key: settings[name]
        for key, value in part.parameters.items()
        if (name := referred(value)) in settings
    }
    return part.changed(**values) if values else part


def referring(part: Part, usual: Mapping[str, Any], settings: Mapping[str, Any]) -> Part:
    """Let a part's settings that are what they refer to by default, refer to it.

    A schedule as long as the training stays so when `steps` are changed.

    Args:
        part: of a run.
        usual: its settings' defaults.
        settings: the run's.
    """
    references = {
        key: usual[key]
        for key, value in part.parameters.items()
        if (name := referred(usual.get(key))) in settings and value == settings[name]
    }
    return part.changed(**references) if references else part
