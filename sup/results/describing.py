"""What a user says of models that were trained elsewhere, as the coordinates of results."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from sup.config.part import as_plain
from sup.config.rules import SettingError
from sup.config.settings import GROUPS, Settings, all_settings
from sup.model.building import check_parts
from sup.results.coordinates import setting_coordinates

INNER = ("hidden", "feature", "step", "snapshot")
"""Dimensions that results have within a model."""

Coordinates = dict[str, tuple[Sequence[str], Any]]
"""Values by name, each with its dimensions."""


def sized(axes: Mapping[str, Sequence[Any]] | None, shape: Sequence[int]) -> dict[str, int]:
    """Return the length of each dimension that tells models apart, by name.

    Args:
        axes: their values by name, in their order; None: `instance`, if any.
        shape: that of the weights, without the last two dimensions.

    Raises:
        SettingError: where these do not fit.
    """
    if axes is None and len(shape) <= 1:
        return dict(zip(["instance"], shape, strict=False))
    lengths = {name: len(values) for name, values in (axes or {}).items()}
    for name in lengths:
        if name in INNER or not name.isidentifier():
            raise SettingError("axes", name, "must name a setting, or what else differs")
    if [*lengths.values()] != [*shape]:
        told = f"must name each of W's leading dimensions {[*shape]} with its values"
        raise SettingError("axes", [f"{name}: {size}" for name, size in lengths.items()], told)
    return lengths


def checked(given: Mapping[str, Any], axes: Mapping[str, Any]) -> Settings:
    """Return settings that are what is given, of the models along all axes.

    Raises:
        SettingError: for the first that cannot be.
    """
    for name in given:
        if name in axes:
            raise SettingError(name, given[name], "stands among the axes, too")
    along = {name: values for name, values in axes.items() if is_setting(name)}
    made = Settings(**along, **{name: distinct(name, value) for name, value in given.items()})
    check_parts(made)
    return made


def key_of(name: str) -> str:
    """Return the key of a setting by its name in results: importance.decay."""
    group, _, own = name.partition("_")
    return f"{group}.{own}" if group in GROUPS and own else name


def is_setting(name: str) -> bool:
    """Tell settings from names for whatever else tells models apart."""
    key = key_of(name)
    return key in all_settings() or "." in key


def distinct(name: str, value: Any) -> Any:
    """Return each value of an axis setting once: several models may agree in it."""
    about = all_settings().get(key_of(name))
    is_axis = about.axis if about else "." in key_of(name)
    return list(dict.fromkeys(value)) if is_axis and isinstance(value, list) else value


def coordinates_of(
    given: Mapping[str, Any], axes: Mapping[str, Any], settings: Settings, sizes: Mapping[str, int]
) -> Coordinates:
    """Return what is known of the models, and nothing that is a mere default.

    Args:
        given: settings by name.
        axes: the values along each dimension.
        settings: what these come to.
        sizes: the length of each dimension.

    Raises:
        SettingError: for a list that has not one value for each model.
    """
    told = {"activation", *(name.partition("_")[0] for name in (*given, *axes))}
    told |= {"features"} if "sparsity" in told else set()
    found: Coordinates = {name: ((name,), np.arange(size)) for name, size in sizes.items()}
    found |= {name: ((name,), np.asarray(values)) for name, values in axes.items()}
    for name, value in setting_coordinates(settings).items():
        if name.partition("_")[0] not in told or name in found:
            continue
        if isinstance(value, np.ndarray) and value.ndim:
            found[name] = each(name, given.get(name, value), value.dtype, sizes)
        else:
            found[name] = value if isinstance(value, tuple) else ((), value)
    return found


def each(name: str, values: Any, dtype: np.dtype, sizes: Mapping[str, int]) -> tuple[tuple, Any]:
    """Return values, one for each model, along the one dimension that there is.

    Raises:
        SettingError: where there are several, or other numbers of models.
    """
    if [*sizes.values()] != [len(values)]:
        models = f"for models along {dict(sizes)}" if sizes else "for a single model"
        allowed = f"has {len(values)} values {models}; give the values along a dimension as axes"
        raise SettingError(name, values, allowed)
    return (*sizes,), np.asarray(values, dtype)


def as_lists(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return arrays, tensors too, as lists."""
    return {
        name: np.asarray(value).tolist() if hasattr(value, "__array__") else as_plain(value)
        for name, value in values.items()
    }
