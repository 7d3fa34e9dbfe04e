"""What makes two runs one stack, two instances the same, and results those of certain settings."""

import json
from dataclasses import fields
from typing import Any

from sup.config.fields import Role
from sup.config.grid import INSTANCE_PARTS, is_axis, own_rates
from sup.config.options import setting_of
from sup.config.settings import Settings

WORDS = "philox4x32-10"
"""The generator of all random numbers: with another one, a seed has other data."""

WHERE = ("accelerator", "devices", "strategy")
"""Settings of the trainer that say where, and do not decide what is learned."""


def stack_key(settings: Settings) -> str:
    """Return the settings that a run must share with the others of its stack, as JSON."""
    return _text(_shared(settings, Role.SHARED, Role.ASIDE))


def training_key(settings: Settings) -> str:
    """Return the shared settings that decide what is learned, as JSON."""
    shared = _shared(settings, Role.SHARED)
    for name in WHERE:
        shared["trainer"].pop(name, None)
    return _text(shared | {"words": WORDS})


def instance_keys(settings: Settings) -> list[str]:
    """Return each instance's own settings, as JSON: with `training_key`, all that decides it."""
    keys = []
    for point in settings.grid.points:
        own: dict[str, Any] = {name: getattr(settings, name).node() for name in INSTANCE_PARTS}
        for key, value in point.items():
            group, _, name = key.partition(".")
            if name:
                own.setdefault(group, {})[name] = float(value)
            else:
                own[key] = int(value) if key == "seed" else float(value)
        keys.append(_text(own))
    return keys


def _shared(settings: Settings, *roles: Role) -> dict[str, Any]:
    named = [one.name for one in fields(settings) if one.metadata["role"] in roles]
    config = settings.as_config()
    shared = {name: config[name] for name in named if name in config}
    for name in own_rates(settings):
        shared["optimizer"].pop(name)
    for group in shared.keys() & {*INSTANCE_PARTS}:  # but for what each instance has of its own
        part = getattr(settings, group)
        for name, value in part.parameters.items():
            about = setting_of(group, part, name)
            if is_axis(group, part, name, value) or (about and about.per_feature):
                shared[group].pop(name)
    return shared


def _text(settings: dict[str, Any]) -> str:
    return json.dumps(_plainest(settings), sort_keys=True, default=str)


def _plainest(value: Any) -> Any:
    """Return the shortest of all ways to write a setting: 1 for 1.0, nothing for null."""
    if isinstance(value, dict):
        plain = {key: _plainest(inner) for key, inner in value.items()}
        return {key: inner for key, inner in plain.items() if inner is not None and inner != {}}
    if isinstance(value, list):
        return [_plainest(inner) for inner in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def generator_of(shared: str) -> str | None:
    """Return what made the random numbers of a `training_key`; None before that was said."""
    return json.loads(shared).get("words")


def difference(held: str, wanted: str) -> str:
    """Name a setting in which two of these keys differ, as what one held and the other wants.

    One of those that others follow from: steps, and not the schedule's length.
    """
    there, here = _flat(json.loads(held)), _flat(json.loads(wanted))
    differing = [key for key in {**there, **here} if there.get(key) != here.get(key)]
    key = min(differing, key=lambda key: key.count("."))
    return f"it was trained with {key}={there.get(key)}, not {key}={here.get(key)}"


def first_difference(held: Settings, wanted: Settings) -> str | None:
    """Return in what two runs differ that decides what they learn; None where in nothing."""
    there, here = _keys(held), _keys(wanted)
    for one, other in zip(there, here, strict=False):
        if one != other:
            return difference(one, other)
    if len(there) != len(here):
        return f"it has {len(there) - 1} instances, not {len(here) - 1}"
    return None


def _keys(settings: Settings) -> list[str]:
    return [training_key(settings), *instance_keys(settings)]


def _flat(settings: dict[str, Any], parents: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for name, value in settings.items():
        key = f"{parents}{name}"
        flat |= _flat(value, f"{key}.") if isinstance(value, dict) else {key: value}
    return flat
