"""A slice: instances of one run that are trained together."""

from dataclasses import dataclass, fields
from functools import cached_property
from typing import Any

import torch
from torch import Tensor

from sup.config.grid import Number
from sup.config.identity import instance_keys
from sup.config.run import Run
from sup.model.building import called
from sup.model.data import Row, rows
from sup.model.start import Start, start_of
from sup.model.weights import Weights

InputKey = tuple[int, Row]
"""What decides an input: the seed, and its row."""


@dataclass(frozen=True, eq=False)
class Slice:
    """Instances of one run that are trained together: all, or some where the run is too large.

    Args:
        run: whose instances they are.
        places: where they stand in the run's grid, its last axis varying fastest.
    """

    run: Run
    places: range

    def __getstate__(self) -> dict[str, Any]:
        return own_fields(self)

    @property
    def is_whole(self) -> bool:
        """Whether these are all of the run's instances."""
        return len(self.places) == self.run.size

    @cached_property
    def points(self) -> list[dict[str, Number]]:
        """The settings of each instance, by key."""
        return self.run.settings.grid.points[self.places.start : self.places.stop]

    @cached_property
    def keys(self) -> list[str]:
        """Each instance's own settings, as JSON."""
        return instance_keys(self.run.settings)[self.places.start : self.places.stop]

    @cached_property
    def start(self) -> Start:
        """Where each instance begins.

        Raises:
            SettingError: where initialisation gives weights that are not this run's.
        """
        settings, count = self.run.settings, len(self.places)
        sizes = {"n_features": settings.n_features, "n_hidden": settings.n_hidden}
        made = called(settings.init, "init", self.points, **sizes)
        if isinstance(made, Tensor) and made.ndim == 2:
            return Start(made.expand(count, -1))
        if isinstance(made, Tensor):  # of an initialisation of the user's own
            made = Weights(made, torch.zeros(len(made), settings.n_features), {})
        return start_of(settings, self.points, self.places, made)

    @cached_property
    def inputs(self) -> list[InputKey]:
        """What decides the input of each instance."""
        seeds = [int(point["seed"]) for point in self.points]
        return list(zip(seeds, rows(self.run.settings, self.points), strict=True))


def own_fields(held: Any) -> dict[str, Any]:
    """Return what is to be pickled of a dataclass: not what it has worked out and kept.

    Those are tensors for each run, and a tensor that goes to another process is an open file.
    """
    return {one.name: getattr(held, one.name) for one in fields(held)}
