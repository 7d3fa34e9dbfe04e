"""What values plainly mean, where they are written in another way: 1e4 steps, a quoted number."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from sup.config.checks import described
from sup.config.fields import Setting
from sup.config.options import CALLBACKS, OPTIONS, option_of

NOTHING = ("None", "null")
"""Words for null, where that may be: Python's is what W&B's agent writes."""


def read(settings: Any) -> dict[str, Any]:
    """Return, of some settings, those whose values mean something else than they are, as meant."""
    values = _meant(vars(settings), described(type(settings)))
    if stack := _meant(vars(settings.stack), described(type(settings.stack))):
        values["stack"] = replace(settings.stack, **stack)
    for group in OPTIONS:
        part = getattr(settings, group)
        option = option_of(group, part)
        if option and (meant := _meant(part.parameters, option.settings)):
            values[group] = part.changed(**meant)
    callbacks = {
        name: part.changed(**meant)
        for name, part in settings.callbacks.items()
        if part
        and name in CALLBACKS
        and (meant := _meant(part.parameters, CALLBACKS[name].settings))
    }
    return values | ({"callbacks": {**settings.callbacks, **callbacks}} if callbacks else {})


def _meant(values: Mapping[str, Any], known: Mapping[str, Setting]) -> dict[str, Any]:
    """Return the values that are meant otherwise."""
    meant = {name: _read(value, known[name]) for name, value in values.items() if name in known}
    return {name: value for name, value in meant.items() if repr(value) != repr(values[name])}


def _read(value: Any, about: Setting) -> Any:
    """Return what one value means."""
    if isinstance(value, str) and value in NOTHING and about.rule.admits(None):
        return None
    return about.rule.read(value)
