"""Settings as coordinates of results: all of a run's that are numbers or words, by name."""

import json
from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr

from sup.config.grid import dimension
from sup.config.options import setting_of
from sup.config.part import RESERVED, Part
from sup.config.rules import is_number
from sup.config.settings import NAMED, Settings

NUMBERS = ("n_features", "n_hidden", "steps", "batch_size", "dataset_size")
"""Settings of a whole run that are numbers; one that is null has no coordinate."""

SUFFIX = "_config"
"""Of what makes a part and is neither a number nor a word, as JSON."""


def setting_coordinates(settings: Settings) -> dict[str, Any]:
    """Return the coordinates of a run's results.

    Each axis is an index; each setting that is a single number or word a scalar, as the names of
    the parts are; each list with a number for each feature stands along `feature`. What is null has
    none. Those that follow from others come last, so that joining leaves them out first.
    """
    coordinates: dict[str, Any] = {name: getattr(settings, name).name for name in NAMED}
    numbers = {name: getattr(settings, name) for name in NUMBERS}
    coordinates |= {name: value for name, value in numbers.items() if value is not None}
    for name, value in settings.optimizer.parameters.items():
        if is_number(value):
            coordinates[f"optimizer_{name}"] = value
    for key, value in settings.grid.settings.items():
        coordinates[dimension(key)] = np.asarray(value, dtype=int if key == "seed" else float)
    for group in NAMED:
        part: Part = getattr(settings, group)
        for name, value in part.parameters.items():
            about = setting_of(group, part, name)
            if about and about.per_feature:
                coordinates[f"{group}_{name}"] = ("feature", np.asarray(value, dtype=float))
    config = {group: settings.part(group).node() for group in NAMED}
    configs = {f"{group}{SUFFIX}": config_of(config, group, coordinates) for group in NAMED}
    words = {name: value for name, value in scalars_of(config).items() if name not in coordinates}
    return coordinates | words | {name: config for name, config in configs.items() if config}


def scalars_of(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return every parameter of a run's parts that is a number or a word, by its name in results.

    Args:
        config: the parts' nodes by group, and anything else.
    """
    found = {}
    for group in NAMED:
        node = config.get(group)
        if isinstance(node, Mapping):
            own = {name: value for name, value in node.items() if name not in RESERVED}
            found |= {f"{group}_{name}": one for name, one in own.items() if is_scalar(one)}
    return found


def is_scalar(value: Any) -> bool:
    """Tell what can be a coordinate of its own: a number, yes or no, or a word."""
    return isinstance(value, (bool, int, float, str))


def config_of(config: Mapping[str, Any], group: str, coordinates: Mapping[str, Any]) -> str:
    """Return what makes a part and can be no coordinate, as JSON; "" where that is nothing.

    Of an activation always: models are made of it again, by its path and all but its numbers.
    """
    held = dict(config[group])
    if group != "activation":
        told = [name for name, one in held.items() if name in RESERVED or one is None]
        told += [name for name, one in held.items() if is_scalar(one)]
        held = {name: one for name, one in held.items() if name not in told}
    held = {name: one for name, one in held.items() if f"{group}_{name}" not in coordinates}
    return json.dumps(held, sort_keys=True, default=str) if held else ""


def completed(results: xr.Dataset) -> xr.Dataset:
    """Give results of an earlier release the coordinates that it kept in their config alone."""
    config = json.loads(results.attrs.get("config", "{}"))
    if not isinstance(config, Mapping):
        return results
    numbers = {name: config[name] for name in NUMBERS if is_number(config.get(name))}
    scalars = numbers | scalars_of(config)
    missing = {name: one for name, one in scalars.items() if name not in results.variables}
    is_told = isinstance(config.get("model"), Mapping) and not config_of(config, "model", {})
    if "model_config" in results.coords and is_told:
        results = results.drop_vars("model_config")
    return results.assign_coords(missing) if missing else results
