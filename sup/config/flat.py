"""Settings by their keys on the command line, each a word or a number, as dashboards group by."""

from collections.abc import Iterator, Mapping
from dataclasses import fields
from typing import Any

from sup.config.fields import Role
from sup.config.settings import GROUPS, Settings

LEARNED = (Role.OWN, Role.SHARED)
"""The roles of settings that decide what is learned; the others would only fill a dashboard."""


def flat(settings: Settings) -> dict[str, Any]:
    """Return settings as ``{"activation": "relu", "activation.slope": 0.1, "sparsity": 0.9, ...}``.

    A part is its option's name; a list is an axis, or has a value for each feature.
    """
    own: dict[str, Any] = {}
    for one in fields(settings):
        if one.metadata["role"] not in LEARNED:
            continue
        if one.name in GROUPS:
            part = settings.part(one.name)
            own[one.name] = part.name
            own |= dict(_within(part.parameters, one.name))
        else:
            own[one.name] = getattr(settings, one.name)
    return own | dict(settings.variables)


def _within(parameters: Mapping[str, Any], parent: str) -> Iterator[tuple[str, Any]]:
    for name, value in parameters.items():
        if isinstance(value, Mapping):
            yield from _within(value, f"{parent}.{name}")
        else:
            yield f"{parent}.{name}", value
