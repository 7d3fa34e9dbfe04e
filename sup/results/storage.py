"""Results: what a run leaves behind for figures and scripts, as one netCDF file."""

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from itertools import product
from pathlib import Path

import h5py
import numpy as np
import xarray as xr

from sup.config.settings import SettingError
from sup.system.files import replacing

FILE = "results.nc"
INNER = ("step", "snapshot", "hidden", "feature")
"""Dimensions within an instance; all others are settings."""


def save(results: xr.Dataset, directory: Path) -> Path:
    """Write `results.nc`, at once or not at all, and return its path."""
    path = directory / FILE
    directory.mkdir(parents=True, exist_ok=True)
    with replacing(path) as unfinished:
        results.to_netcdf(unfinished, engine="h5netcdf")
    return path


def load_run(path: str | Path) -> xr.Dataset:
    """Load the results of one run.

    Args:
        path: a run's directory, or its `results.nc`.

    Returns:
        The dataset described in `make_results`, in memory.

    Raises:
        FileNotFoundError: where there are no results.
        SettingError: where they cannot be read.
    """
    path = Path(path)
    file = path / FILE if path.is_dir() else path
    if not file.is_file():
        raise FileNotFoundError(f"{path}: no {FILE} here; a run writes it when it ends")
    return _read(file, file.stat().st_mtime_ns).copy(deep=True)


@lru_cache(maxsize=4096)  # reading takes 70 ms, and a sweep's page asks for what was trained
def _read(file: Path, modified: int) -> xr.Dataset:
    try:
        return xr.load_dataset(file, engine="h5netcdf")
    except OSError as error:
        raise unreadable(file) from error


def finite(results: xr.Dataset) -> xr.Dataset:
    """Blank the weights of instances that have diverged, whose last finite ones mean nothing."""
    sound = ~results["diverged"].astype(bool)
    weights = [name for name in ("W", "b", "training_W") if name in results]
    return results.assign({name: results[name].where(sound) for name in weights})


def config_text(directory: Path) -> str | None:
    """Return the config of the results in a run's directory, as JSON; None where there are none.

    Raises:
        SettingError: where they cannot be read.
    """
    file = directory / FILE
    return _config_text(file, file.stat().st_mtime_ns) if file.is_file() else None


@lru_cache(maxsize=65_536)  # short texts; a sweep asks for those of all its runs several times
def _config_text(file: Path, modified: int) -> str:
    try:
        with h5py.File(file) as held:
            return str(held.attrs["config"])
    except (OSError, KeyError) as error:
        raise unreadable(file) from error


def unreadable(file: Path) -> SettingError:
    """Return the error that results which no command leaves so are broken."""
    return SettingError("directory", file.parent, f"{FILE} cannot be read; remove it")


def load_sweep(path: str | Path) -> xr.Dataset:
    """Load and join the results of all runs of a sweep.

    Settings in which the runs differ become dimensions, each in the order of first appearance.
    A combination that no run has is filled with NaN. Where two runs agree in all their settings,
    the one new dimension is `run`.

    Args:
        path: the sweep's directory; runs may lie at any depth below it.

    Raises:
        FileNotFoundError: where there are no results.
    """
    files = [file for file in in_order(Path(path).rglob(FILE)) if not is_left_over(file)]
    if not files:
        raise FileNotFoundError(f"{path}: no {FILE} in any directory below")
    return join([load_run(file) for file in files])


def is_left_over(file: Path) -> bool:
    """Tell whether results are of a part of a run that has been put together since."""
    return file.parents[1].name == "parts" and (file.parents[2] / FILE).is_file()


def in_order(paths: Iterable[Path]) -> list[Path]:
    """Sort paths by name, but numbers in them by size."""
    return sorted(paths, key=_natural)


def _natural(path: Path) -> list[tuple[int, int, str]]:
    return [(0, int(part), "") if part.isdigit() else (1, 0, part) for part in path.parts]


def join(runs: Sequence[xr.Dataset]) -> xr.Dataset:
    """Join runs into one dataset; see `load_sweep`."""
    settings = [_settings(run) for run in runs]
    names = list(dict.fromkeys(name for one in settings for name in one))
    varying = [name for name in names if len({one.get(name) for one in settings}) > 1]
    dims = _distinguishing(varying, settings)
    if len(runs) > 1 and _overlap(dims, settings):
        grids = [name for name in varying if any(len(one.get(name, ())) > 1 for one in settings)]
        dims = ["run", *grids]
        settings = [one | {"run": (index,)} for index, one in enumerate(settings)]
    if not dims:
        return runs[0]
    coordinates = {name: _union(one[name] for one in settings) for name in dims}
    coordinates |= {
        str(name): np.unique(np.concatenate([run[name].values for run in runs if name in run]))
        if name in INNER
        else runs[0][name].values
        for name in dict.fromkeys(name for run in runs for name in run.dims)
        if name not in dims
    }
    dependent = [name for name in varying if name not in dims]
    runs = [
        run.drop_vars([name for name in dependent if name in run]).assign(
            {name: one[name][0] for name in dependent if name in one}
        )
        for run, one in zip(runs, settings, strict=True)
    ]
    common = {name: runs[0][name] for name in names if name not in (*dims, *dependent)}
    scalars = {name: value for name, value in common.items() if value.ndim == 0}
    variables = dict.fromkeys(str(name) for run in runs for name in run.data_vars)
    joined = xr.Dataset(
        {name: _laid_out(name, runs, settings, dims, coordinates) for name in variables},
        coordinates | scalars,
        {k: v for k, v in runs[0].attrs.items() if all(run.attrs.get(k) == v for run in runs)},
    )
    return joined.set_coords(dependent)


def _laid_out(
    name: str,
    runs: Sequence[xr.Dataset],
    settings: Sequence[Mapping[str, tuple]],
    dims: Sequence[str],
    coordinates: Mapping[str, Iterable],
) -> tuple[list[str], np.ndarray]:
    """Put one variable of all runs in an array over `dims`, then its own; NaN where none is."""
    own = dict.fromkeys(str(dim) for run in runs if name in run for dim in run[name].dims)
    order = [*dims, *(dim for dim in own if dim not in dims)]
    place = {dim: {value: k for k, value in enumerate(coordinates[dim])} for dim in order}
    kinds = {run[name].dtype for run in runs if name in run}
    plain = len(kinds) == 1 and all(kind.kind == "f" for kind in kinds)
    array = np.full([len(place[dim]) for dim in order], np.nan, kinds.pop() if plain else object)
    for run, one in zip(runs, settings, strict=True):
        if name in run:
            added = [dim for dim in order if dim not in run[name].dims]
            values = {dim: run[dim].values.tolist() for dim in own if dim in run.dims}
            at = [[place[dim][v] for v in values.get(dim, one.get(dim))] for dim in order]
            array[np.ix_(*at)] = run[name].expand_dims(added).transpose(*order).values
    return order, array if plain else np.array(array.tolist())


def _union(values: Iterable[tuple]) -> list:
    return list(dict.fromkeys(value for one in values for value in one))


def _settings(run: xr.Dataset) -> dict[str, tuple]:
    """Return the values of each setting of a run: one, or those of an axis."""
    return {
        str(name): tuple(np.atleast_1d(run[name].values).tolist())
        for name in run.coords
        if name not in INNER
    }


def _overlap(dims: Sequence[str], settings: Sequence[Mapping[str, tuple]]) -> bool:
    """Tell whether two runs claim the same place in the product of some settings' values."""
    cells = [set(product(*(one.get(name, (None,)) for name in dims))) for one in settings]
    return len(set().union(*cells)) < sum(map(len, cells))


def _distinguishing(varying: list[str], settings: Sequence[Mapping[str, tuple]]) -> list[str]:
    """Leave out the settings that are one value in each run and follow from the others."""
    names = list(varying)
    for name in reversed(varying):
        others = [other for other in names if other != name]
        single = all(len(one.get(name, (None,))) == 1 for one in settings)
        if single and others and not _overlap(others, settings):
            names = others
    return names
