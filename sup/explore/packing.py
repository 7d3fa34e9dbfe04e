"""Arrays as text, and how much of it a page holds."""

import base64
from collections.abc import Sequence
from typing import Any

import numpy as np

MOST_TEXT = 14_500_000
"""Characters of all that a page holds of results: with Plotly's 4.8 MB, it is under 20 MB."""

TEXT_OF_BYTE = 4 / 3
"""Characters of base64 that a byte takes."""


def packed(values: np.ndarray, kind: str, axes: Sequence[int] | None = None) -> dict[str, Any]:
    """Return an array as its kind and its bytes, little-endian, in base64.

    Args:
        values: ``[model, ...]``, or along some axes only; what is beyond the greatest number of
            its kind becomes that.
        kind: float32, float16 or int16.
        axes: the places of those axes, where it does not change along the others.
    """
    if kind == "float16":
        largest = float(np.finfo(np.float16).max)
        values = np.clip(values, -largest, largest)
    flat = np.ascontiguousarray(values, np.dtype(kind).newbyteorder("<"))
    text = base64.b64encode(flat.tobytes()).decode("ascii")
    return {"kind": kind, "data": text} | ({} if axes is None else {"axes": list(axes)})


def packed_where_it_changes(values: np.ndarray, sizes: Sequence[int], kind: str) -> dict[str, Any]:
    """Pack an array without the axes along which it is the same.

    The optimum is that of all seeds, and most sweeps have no model that has diverged.

    Args:
        values: ``[model, ...]``.
        sizes: of the axes.
        kind: see `packed`.
    """
    grid = values.reshape((*sizes, *values.shape[1:]))
    axes = []
    for axis in range(len(sizes)):
        first = grid.take([0], axis)
        if np.array_equal(grid, np.broadcast_to(first, grid.shape), equal_nan=True):
            grid = first
        else:
            axes.append(axis)
    return packed(grid, kind, axes)


def shares(needs: Sequence[float | int], budget: float | int) -> list[float | int]:
    """Share a budget out: who needs less than an even share gets all, the others what is left."""
    given: list[float | int] = [0] * len(needs)
    order = sorted(range(len(needs)), key=needs.__getitem__)
    for position, place in enumerate(order):
        given[place] = min(needs[place], budget / (len(order) - position))
        budget -= given[place]
    return given


def numbers_or_none(values: np.ndarray) -> list[Any]:
    """Return values for JSON: what is not a finite number becomes None, all else but words too."""
    if values.dtype.kind in "iub":
        return values.ravel().tolist()
    if values.dtype.kind == "f":
        return [one if np.isfinite(one) else None for one in values.ravel().tolist()]
    return [one if isinstance(one, (bool, int)) else _word(one) for one in values.ravel().tolist()]


def _word(value: Any) -> Any:
    if isinstance(value, float):
        return value if np.isfinite(value) else None
    return str(value)
