"""Results on disk: one netCDF file for each run."""

import json
import os
from functools import lru_cache
from pathlib import Path

import h5py
import xarray as xr

from sup.config.rules import SettingError
from sup.config.settings import Settings
from sup.system.files import replacing

FILE = "results.nc"


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
        A dataset in memory, whose dimensions are the run's axes by name, then those of an instance.
        Its variables: ``W [..., hidden, feature]``, ``b [..., feature]``, ``loss [...]`` (held-out,
        ``sum_i I_i mean (x_i - x'_i)^2``) and ``loss_error [...]``, its standard error,
        ``training_loss [..., step]``, ``training_W [..., snapshot, hidden, feature]`` of small
        models, ``diverged`` and ``first_bad_step [...]``, and every measure of
        `sup.metrics` by its name. Settings are coordinates; name, overrides, config, versions,
        device, wall_time and instances_in_stack are attributes.

    Raises:
        FileNotFoundError: where there are no results.
        SettingError: where they cannot be read.
    """
    path = Path(path)
    file = path / FILE if path.is_dir() else path
    if not file.is_file():
        raise FileNotFoundError(f"{path}: no {FILE} here; a run writes it when it ends")
    try:
        return xr.load_dataset(file, engine="h5netcdf")
    except OSError as error:
        raise unreadable(file) from error


def settings_of(directory: Path) -> Settings | None:
    """Return the settings of the results in a run's directory; None where there are none.

    Raises:
        SettingError: where they cannot be read.
    """
    file = directory / FILE
    return _settings(file, file.stat().st_mtime_ns) if file.is_file() else None


@lru_cache(maxsize=4096)  # a sweep asks for those of all its runs several times
def _settings(file: Path, modified: int) -> Settings:
    try:
        with h5py.File(file) as held:
            return Settings.of_config(json.loads(str(held.attrs["config"])))
    except (OSError, KeyError, TypeError, ValueError) as error:
        raise unreadable(file) from error


def unreadable(file: Path) -> SettingError:
    """Return the error that results which no command leaves so are broken."""
    place = os.path.relpath(file.parent)
    return SettingError("directory", place, f"{FILE} cannot be read; remove it")


def finite(results: xr.Dataset) -> xr.Dataset:
    """Blank the weights of instances that have diverged, whose last finite ones mean nothing."""
    sound = ~results["diverged"].astype(bool)
    weights = [name for name in ("W", "b", "training_W") if name in results]
    return results.assign({name: results[name].where(sound) for name in weights})
