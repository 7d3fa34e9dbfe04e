"""Joining the results of runs: the settings in which they differ become dimensions."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import product
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from sup.results.storage import FILE, load_run

INNER = ("step", "snapshot", "hidden", "feature")
"""Dimensions within an instance; all others are settings."""

SPARSEST = 64
"""Times as many cells as there are models, from which on their grid is none to work with: six
families of activations, each along a parameter of its own, would fill one cell in 16,000."""

NONE = (float("nan"),)
"""The value of a setting that a run does not have, such as another activation's parameter."""


def load_sweep(path: str | Path) -> xr.Dataset:
    """Load and join the results of all runs of a sweep.

    Settings in which the runs differ become dimensions, each in the order of first appearance.
    A combination that no run has is filled with NaN, and a run without a setting, such as the
    parameter of another activation, stands where that is NaN, or "" if it is a word. Where two runs
    agree in all their settings, the one new dimension is `run`. Where the runs would leave nearly
    all combinations empty, as families of activations do that are each along a parameter of their
    own, the one dimension is `instance`, along which stand all settings.

    Args:
        path: the sweep's directory; runs may lie at any depth below it.

    Raises:
        FileNotFoundError: where there are no results.
    """
    files = in_order(Path(path).rglob(FILE))
    if not files:
        raise FileNotFoundError(f"{path}: no {FILE} in any directory below")
    return join([load_run(file) for file in files])


def in_order(paths: Iterable[Path]) -> list[Path]:
    """Sort paths by name, but numbers in them by size."""
    return sorted(paths, key=_natural)


def _natural(path: Path) -> list[tuple[int, int, str]]:
    return [(0, int(part), "") if part.isdigit() else (1, 0, part) for part in path.parts]


def join(runs: Sequence[xr.Dataset]) -> xr.Dataset:
    """Join runs into one dataset; see `load_sweep`."""
    settings = [_settings(run) for run in runs]
    names = list(dict.fromkeys(name for values in settings for name in values))
    varying = [name for name in names if len({values.get(name) for values in settings}) > 1]
    dims = _distinguishing(varying, settings)
    if len(runs) > 1 and _overlap(dims, settings):
        grids = [name for name in varying if any(len(held.get(name, ())) > 1 for held in settings)]
        dims = ["run", *grids]
        settings = [values | {"run": (index,)} for index, values in enumerate(settings)]
    if not dims:
        return runs[0]
    coordinates = {name: _union(held.get(name, NONE) for held in settings) for name in dims}
    sizes = [prod(len(held.get(name, NONE)) for name in dims) for held in settings]
    if prod(len(coordinates[name]) for name in dims) > SPARSEST * sum(sizes):
        return _listed(runs)
    coordinates |= {
        name: np.unique(np.concatenate([_along(run, name) for run in runs if name in run.dims]))
        if name in INNER
        else _along(runs[0], name)
        for name in dict.fromkeys(str(name) for run in runs for name in run.dims)
        if name not in dims
    }
    # What follows from the dimensions stands along them, as what is said of each feature does.
    dependent = [name for name in varying if name not in dims]
    laid_out = _laid_out(runs, settings, dims, coordinates, dependent)
    common = {name: runs[0].variables[name] for name in names if name not in (*dims, *dependent)}
    joined = xr.Dataset(
        laid_out,
        {name: _told(values) if name in dims else values for name, values in coordinates.items()}
        | {name: one for name, one in common.items() if one.ndim == 0},
        {k: v for k, v in runs[0].attrs.items() if all(run.attrs.get(k) == v for run in runs)},
    )
    return joined.set_coords([*dependent, *_along_features(joined)])


def _listed(runs: Sequence[xr.Dataset]) -> xr.Dataset:
    """Put all models of runs one after the other, with their settings along them."""
    flat, names = [], dict[str, None]()
    for run in runs:
        if not run.data_vars:  # a job without results
            continue
        own = [str(name) for name in run.coords if name not in (*INNER, *_along_features(run))]
        names |= dict.fromkeys(own)
        dims = [str(dim) for dim in run["loss"].dims]
        one = run.stack(instance=dims, create_index=False) if dims else run.expand_dims("instance")
        spread = {
            name: ("instance", np.broadcast_to(one[name].values, one.sizes["instance"]))
            for name in own
        }
        flat.append(one.drop_vars(own).assign(spread))
    joined = xr.concat(flat, "instance", join="outer", combine_attrs="drop_conflicts")
    words = {name: joined[name].dims for name in names if joined[name].dtype == object}
    told = {name: (dims, _told(joined[name].values)) for name, dims in words.items()}
    return joined.assign(told).transpose("instance", ...).set_coords(list(names))


def _along(run: xr.Dataset, dim: str) -> np.ndarray:
    """Return a run's values along one of its dimensions."""
    return run.variables[dim].values if dim in run.variables else np.arange(run.sizes[dim])


def _along_features(run: xr.Dataset) -> list[str]:
    """Return the settings that are a list with a number for each feature."""
    names = ("importance_values", "features_sparsity")
    return [name for name in names if name in run.variables]


def _laid_out(
    runs: Sequence[xr.Dataset],
    settings: Sequence[Mapping[str, tuple]],
    dims: Sequence[str],
    coordinates: Mapping[str, Iterable],
    dependent: Sequence[str],
) -> dict[str, tuple[list[str], np.ndarray]]:
    """Put each variable of all runs in an array over `dims`, then its own; NaN where none is.

    In numpy: as xarray's arrays, each of which has indexes, a thousand runs take 15 seconds.
    """
    index = {
        dim: {value: place for place, value in enumerate(values)}
        for dim, values in coordinates.items()
    }
    places: list[dict[str, list[int]]] = []
    pieces: dict[str, list[tuple[int, xr.Variable]]] = {}
    for number, (run, held) in enumerate(zip(runs, settings, strict=True)):
        inner = {str(dim): _along(run, str(dim)).tolist() for dim in run.dims if dim not in held}
        values = {**dict.fromkeys(dims, NONE), **inner, **held}
        there = [dim for dim in index if dim in values]
        places.append({dim: [index[dim][value] for value in values[dim]] for dim in there})
        single = {name: xr.Variable((), held[name][0]) for name in dependent if name in held}
        own = {str(name): run.variables[name] for name in (*run.data_vars, *_along_features(run))}
        for name, variable in (own | single).items():
            pieces.setdefault(name, []).append((number, variable))
    return {name: _together(held, places, dims, index) for name, held in pieces.items()}


def _together(
    pieces: Sequence[tuple[int, xr.Variable]],
    places: Sequence[Mapping[str, list[int]]],
    dims: Sequence[str],
    index: Mapping[str, Mapping[Any, int]],
) -> tuple[list[str], np.ndarray]:
    """Put one variable together.

    Args:
        pieces: its parts, each with the number of the run that has it.
        places: of each run, along each dimension.
        dims: those that come first.
        index: the place of each value of each dimension.
    """
    order = list(dict.fromkeys([*dims, *(str(dim) for _, one in pieces for dim in one.dims)]))
    kinds = {one.dtype for _, one in pieces}
    plain = len(kinds) == 1 and all(kind.kind == "f" for kind in kinds)
    array = np.full([len(index[dim]) for dim in order], np.nan, kinds.pop() if plain else object)
    for number, one in pieces:
        own = [dim for dim in order if dim in one.dims]
        shape = [one.sizes[dim] if dim in own else 1 for dim in order]
        at = np.ix_(*(places[number][dim] for dim in order))
        array[at] = one.transpose(*own).values.reshape(shape)
    return order, array if plain else _told(array)


def _told(values: Any) -> np.ndarray:
    """Return numbers or words as an array of these: a word that a run does not have is ""."""
    array = np.asarray(values, dtype=object)
    if any(isinstance(one, str) for one in array.flat):
        array = np.where(array == array, array, "")  # noqa: PLR0124  # NaN differs from itself
    return np.array(array.tolist())


def _union(values: Iterable[tuple]) -> list:
    return list(dict.fromkeys(value for held in values for value in held))


def _settings(run: xr.Dataset) -> dict[str, tuple]:
    """Return the values of each setting of a run: one, or those of an axis."""
    return {
        str(name): tuple(np.atleast_1d(run.variables[name].values).tolist())
        for name in run.coords
        if name not in INNER and name not in _along_features(run)
    }


def _overlap(dims: Sequence[str], settings: Sequence[Mapping[str, tuple]]) -> bool:
    """Tell whether two runs claim the same place in the product of some settings' values."""
    cells = [set(product(*(held.get(name, NONE) for name in dims))) for held in settings]
    return len(set().union(*cells)) < sum(map(len, cells))


def _distinguishing(varying: list[str], settings: Sequence[Mapping[str, tuple]]) -> list[str]:
    """Leave out the settings that are one value in each run and follow from the others.

    Activations are what is compared above all: they always have a dimension of their own.
    """
    names = list(varying)
    for name in reversed([name for name in varying if name != "activation"]):
        others = [other for other in names if other != name]
        single = all(len(held.get(name, NONE)) == 1 for held in settings)
        if single and others and not _overlap(others, settings):
            names = others
    return names
