"""Axis settings, each a number or a list of numbers, and the grid of instances that they span."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import product
from math import prod
from typing import Any

from omegaconf import DictConfig, OmegaConf

PARTS = ("activation", "importance", "init")
"""Config groups that describe a part of each instance: every number or list of numbers in one is
an axis setting, such as ``importance.decay``."""

Number = int | float


def is_number(value: Any) -> bool:
    """Tell numbers from everything else, booleans included."""
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def axis_settings(config: DictConfig) -> dict[str, Any]:
    """Return the value of each axis setting by its key, in the order of the results' dimensions."""
    settings = {}
    for part in PARTS:
        for name, value in as_dict(config[part]).items():
            if is_number(value) or isinstance(value, list):
                settings[f"{part}.{name}"] = value
    optimizer = as_dict(config.optimizer)
    settings |= {f"optimizer.{name}": optimizer[name] for name in own_optimizer_settings(config)}
    return settings | {key: as_plain(config[key]) for key in ("sparsity", "seed")}


def own_optimizer_settings(config: DictConfig) -> list[str]:
    """Return the optimizer's settings that each instance has of its own.

    torch's own optimizers take one value for a whole tensor; ours takes one for each instance.
    """
    stacked = str(config.optimizer["_target_"]).startswith("sup.")
    return [name for name in ("lr", "weight_decay") if stacked and name in config.optimizer]


def as_plain(value: Any) -> Any:
    """Return a config value as plain Python, interpolations resolved."""
    return OmegaConf.to_container(value, resolve=True) if OmegaConf.is_config(value) else value


def as_dict(node: DictConfig) -> dict[str, Any]:
    """Return a config node as a plain dict."""
    plain = as_plain(node)
    assert isinstance(plain, dict)
    return {str(name): value for name, value in plain.items()}


def shown(value: Any) -> str:
    """Write a value for people; different values never look the same."""
    return f"{value:.12g}" if isinstance(value, float) else str(value)


def dimension(key: str) -> str:
    """Return the name that a setting has in results: ``importance.decay`` is importance_decay."""
    return key.replace(".", "_")


@dataclass(frozen=True)
class Grid:
    """The instances of a run: every combination of the values of its axes.

    Args:
        settings: each axis setting's value or list of values, by key.
    """

    settings: Mapping[str, Number | list[Number]]

    @classmethod
    def of(cls, config: DictConfig) -> "Grid":
        """Read the grid from a run's config."""
        return cls(axis_settings(config))

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

    def column(self, key: str) -> list[Number]:
        """Return one setting's value for every instance."""
        return [point[key] for point in self.points]

    def labels(self) -> list[str]:
        """Name every instance by its place on the axes, such as ``sparsity=0.9 seed=1``."""
        return [
            " ".join(f"{key}={shown(point[key])}" for key in self.axes) for point in self.points
        ]
