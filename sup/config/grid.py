"""Axis settings, each a number or a list of numbers, and the grid of instances that they span."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import product
from math import prod
from typing import Any

from sup.config.options import setting_of
from sup.config.rules import is_number

GIVEN = {
    "activation": (),
    "importance": ("n_features",),
    "features": ("n_features", "sparsity"),
    "magnitude": ("u",),
    "model": (),
    "init": ("n_features", "n_hidden"),
}
"""What parts of an instance are called with, beside their own parameters."""

INSTANCE_PARTS = tuple(GIVEN)
"""Parts of each instance: a number, or a list of numbers, in one of them is an axis setting, such
as ``importance.decay``."""

MOST_SHOWN = 16
"""Instances of a run that have curves of their own, or a panel in its figures, at the most."""

RATES = ("lr", "weight_decay", "momentum")
"""The optimizer's settings that are axes, where it has one for each instance."""

Number = int | float


def axis_settings(settings: Any) -> dict[str, Any]:
    """Return the value of each axis setting by its key, in the order of the results' dimensions.

    Args:
        settings: of a run, `Settings`.
    """
    found = {}
    for group in INSTANCE_PARTS:
        part = getattr(settings, group)
        for name, value in part.parameters.items():
            if is_axis(group, part, name, value):
                found[f"{group}.{name}"] = value
    optimizer = settings.optimizer.parameters
    found |= {f"optimizer.{name}": optimizer[name] for name in own_rates(settings)}
    if settings.sparsity is not None:
        found["sparsity"] = settings.sparsity
    return found | {"seed": settings.seed}


def is_axis(group: str, part: Any, name: str, value: Any) -> bool:
    """Tell whether a parameter of an instance's part is an axis setting."""
    if known := setting_of(group, part, name):
        return known.axis
    return is_number(value) or (isinstance(value, list) and name not in (part.lists or ()))


def own_rates(settings: Any) -> list[str]:
    """Return the optimizer's settings that each instance has of its own.

    torch's own optimizers take one value for a whole tensor; ours takes one for each instance.
    """
    stacked = settings.optimizer.path.startswith("sup.")
    return [name for name in RATES if stacked and name in settings.optimizer.parameters]


def shown(value: Any) -> str:
    """Write a value for people; different values never look the same."""
    return f"{value:.12g}" if isinstance(value, float) else str(value)


def dimension(key: str) -> str:
    """Return the name that a setting has in results: ``importance.decay`` is importance_decay."""
    return key.replace(".", "_")


def evenly_spaced(count: int, most: int = MOST_SHOWN) -> list[int]:
    """Return at most `most` of the indices 0..count-1, the first and the last among them."""
    number = min(count, most)
    return sorted({round(k * (count - 1) / max(number - 1, 1)) for k in range(number)})


@dataclass(frozen=True)
class Grid:
    """The instances of a run: every combination of the values of its axes.

    Args:
        settings: each axis setting's value or list of values, by key.
    """

    settings: Mapping[str, Number | list[Number]]

    @cached_property
    def axes(self) -> dict[str, list[Number]]:
        """The settings that are lists, by key."""
        return {key: value for key, value in self.settings.items() if isinstance(value, list)}

    @cached_property
    def scalars(self) -> dict[str, Number]:
        """The settings that are single numbers, by key."""
        return {key: value for key, value in self.settings.items() if not isinstance(value, list)}

    @property
    def shape(self) -> tuple[int, ...]:
        """The number of values on each axis; () for a single instance."""
        return tuple(len(values) for values in self.axes.values())

    @property
    def size(self) -> int:
        """The number of instances."""
        return prod(self.shape)

    @cached_property
    def points(self) -> list[dict[str, Number]]:
        """Every instance's settings by key; the last axis varies fastest."""
        combinations = product(*self.axes.values())
        return [
            {**self.scalars, **dict(zip(self.axes, point, strict=True))} for point in combinations
        ]

    def labels(self) -> list[str]:
        """Name every instance by its place on the axes, such as ``sparsity=0.9 seed=1``."""
        return [
            " ".join(f"{key}={shown(point[key])}" for key in self.axes) for point in self.points
        ]
