"""What a page has room for: all models if it can, then their training, thinned or left out."""

import json
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr

from sup.analysis.axes import axes_of, count_of
from sup.config.grid import evenly_spaced
from sup.explore.functions import Functions
from sup.explore.packing import TEXT_OF_BYTE, packed, shares
from sup.explore.payload import along_dim, laid_out, payload

DRAWN = 2
"""Bytes of a number that is only drawn, in float16."""


@dataclass(frozen=True)
class Training:
    """What results have along training.

    Args:
        variable: its name.
        dim: that it is along.
        inner: its other dimensions within a model.
        places: where the page holds the values along `dim`.
        fewest: of those, under which they show nothing.
        words: what they are called.
    """

    variable: str
    dim: str
    inner: tuple[str, ...]
    places: str
    fewest: int
    words: str

    def text(self, results: xr.Dataset) -> float:
        """Return the characters that each of them takes, of all models."""
        if self.variable not in results:
            return 0.0
        inner = np.prod([results.sizes[dim] for dim in self.inner])
        return float(count_of(results) * inner * DRAWN * TEXT_OF_BYTE)

    def whole(self, results: xr.Dataset) -> float:
        """Return the characters of all of them."""
        return self.text(results) * results.sizes.get(self.dim, 0)

    def values(self, results: xr.Dataset) -> np.ndarray:
        """Return them, ``[model, dim, ...]``.

        Of a loss, its decimal logarithm: it spans more powers of ten than float16.
        """
        values = laid_out(results, self.variable, self.dim, *self.inner).astype(float)
        if self.inner:
            return values
        return np.log10(values, where=values > 0, out=np.full_like(values, np.nan))


CURVES = Training("training_loss", "step", (), "steps", 8, "points of each training curve")
SNAPSHOTS = Training(
    *("training_W", "snapshot", ("hidden", "feature"), "snapshots", 3, "snapshots of the weights")
)


def text_of(held: dict[str, Any]) -> int:
    """Return how many characters something takes in a page."""
    return len(json.dumps(held))


def need(results: xr.Dataset, held: dict[str, Any]) -> float:
    """Return the characters of all that a page would hold of some results, rather too many.

    Args:
        results: of any models.
        held: their payload.
    """
    return text_of(held) + sum(1.05 * one.whole(results) + 1000 for one in (CURVES, SNAPSHOTS))


def fitted(
    results: xr.Dataset, held: dict[str, Any], budget: float | int, functions: Functions
) -> dict[str, Any]:
    """Return a payload with what there is room for, and notes on what there is not.

    Args:
        results: of any models.
        held: their payload.
        budget: characters.
        functions: of the page.
    """
    whole, axes = dict(results.sizes), axes_of(results)
    while text_of(held) > budget and count_of(results) > 1:
        longest = max(axes, key=lambda axis: results.sizes[axis])
        size = results.sizes[longest]
        results = results.isel({longest: evenly_spaced(size, (size + 1) // 2)})
        held = payload(held["name"], results, functions)
    notes = [
        f"This page holds {results.sizes[axis]} of {whole[axis]} values of {axis}."
        for axis in axes
        if results.sizes[axis] < whole[axis]
    ]
    both = (CURVES, SNAPSHOTS)
    rooms = shares([one.whole(results) for one in both], max(budget - text_of(held), 0))
    for one, room in zip(both, rooms, strict=True):
        notes += along_training(results, held, one, room)
    return {**held, "notes": notes}


def along_training(
    results: xr.Dataset, held: dict[str, Any], one: Training, room: float | int
) -> list[str]:
    """Add to a payload what there is room for of one thing along training; return notes."""
    if one.variable not in results:
        return []
    size = results.sizes[one.dim]
    most = min(size, round(room / one.text(results)))
    if most < min(one.fewest, size):
        return [f"There is no room for the {size} {one.words}."]
    some = results[[one.variable, "W"]].isel({one.dim: evenly_spaced(size, most)})
    held["arrays"][one.variable] = packed(one.values(some), "float16")
    held[one.places] = along_dim(some, one.dim)
    return [f"This page holds {most} of {size} {one.words}."] if most < size else []
