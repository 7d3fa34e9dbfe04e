"""Reading a file of results that anybody may have written.

What a file says of itself is checked before it is read: HDF5 would also fetch data out of other
files, make arrays larger than any memory, and follow links.
"""

import json
import os
from math import isfinite, prod
from pathlib import Path
from typing import Any

import h5py
import xarray as xr

from sup.config.rules import SettingError
from sup.config.settings import Settings

NEEDED = {
    "W": ("hidden", "feature"),
    "b": ("feature",),
    "loss": (),
    "diverged": (),
    "first_bad_step": (),
    "activation": (),
    "activation_config": (),
}
"""Variables without which results are none, each with the dimensions that it has beside the axes.

Further ones come and go with versions: whoever shows them does without those that are not there.
"""

WORDS = ("activation", "activation_config")

MOST_SHRUNK = 1100
"""How many times smaller than its contents a compressed variable can be; deflate reaches 1,032."""


def read(file: Path) -> xr.Dataset:
    """Read the results of a run into memory.

    Raises:
        SettingError: where they cannot be read.
    """
    try:
        with h5py.File(file) as held:
            check_stored(held, file.stat().st_size)
        # Times are none of ours: a unit that says so would be decoded.
        results = xr.load_dataset(file, engine="h5netcdf", decode_times=False)
        check_results(results)
    except Exception as error:  # HDF5, h5netcdf and xarray raise a dozen kinds for a broken file
        raise unreadable(file, error) from error
    return results


def read_settings(file: Path) -> Settings:
    """Read the settings of the results of a run, without its arrays.

    Raises:
        SettingError: where they cannot be read.
    """
    try:
        with h5py.File(file) as held:
            check_stored(held, file.stat().st_size)
            settings = Settings.of_config(json.loads(str(held.attrs["config"])))
            W: Any = held["W"]
            models = prod(W.shape[:-2])
            if settings.grid.size != models:
                raise ValueError(f"W holds {models} models, the config {settings.grid.size}")
    except Exception as error:  # as many kinds as there are ways to break a config
        raise unreadable(file, error) from error
    return settings


def unreadable(file: Path, error: Exception) -> SettingError:
    """Return the error that results which no command leaves so are broken."""
    reason = " ".join(str(error).split())[:200] or type(error).__name__
    place = os.path.relpath(file.parent)
    return SettingError("directory", place, f"{file.name} cannot be read: {reason}; remove it")


def check_stored(held: h5py.File, size: int) -> None:
    """Check, before anything is read, that a file holds plain variables, and in itself.

    Args:
        held: the file.
        size: its bytes, that bound what it can hold.

    Raises:
        ValueError: for the first variable that is something else.
    """
    for name in held:
        if not isinstance(held.get(name, getlink=True), h5py.HardLink):
            raise ValueError(f"{name} is a link to elsewhere")
        variable = held[name]
        if not isinstance(variable, h5py.Dataset):
            raise ValueError(f"{name} is no variable")
        if variable.external or variable.is_virtual:
            raise ValueError(f"the data of {name} are in other files")
        if variable.dtype.kind not in "biuf" and h5py.check_string_dtype(variable.dtype) is None:
            raise ValueError(f"{name} is of type {variable.dtype}")
        stored = min(variable.id.get_storage_size(), size)
        shrunk = 1 if variable.chunks is None else MOST_SHRUNK
        if not is_bare_dimension(variable) and variable.nbytes > stored * shrunk:
            raise ValueError(
                f"{name} would be {variable.nbytes} bytes, of which {stored} are there"
            )
    for name in NEEDED:
        if name not in held:
            raise ValueError(f"no variable {name}")


def is_bare_dimension(variable: h5py.Dataset) -> bool:
    """Tell whether a variable stands for a dimension without coordinates: its data are not read."""
    label = variable.attrs.get("NAME", b"")
    return isinstance(label, bytes) and label.startswith(b"This is a netCDF dimension but not")


def check_results(results: xr.Dataset) -> None:
    """Check that results have what all that reads them relies on.

    Raises:
        ValueError: for the first thing that is missing, or of another kind.
    """
    axes = set(results["W"].dims) - {"hidden", "feature"}
    for name, inner in NEEDED.items():
        dims = set(results[name].dims)
        if not (dims <= axes if name in WORDS else dims == {*axes, *inner}):
            raise ValueError(f"{name} has the dimensions {', '.join(map(str, results[name].dims))}")
        numbers = results[name].dtype.kind in "biuf"
        if numbers == (name in WORDS):
            raise ValueError(f"{name} is of type {results[name].dtype}")
    for name in results.variables:
        values = results[name].values
        if values.dtype.kind in "OT" and not all(isinstance(one, str) for one in values.flat):
            raise ValueError(f"{name} is neither numbers nor words")
    config: Any = json.loads(results.attrs["config"])
    if not isinstance(config, dict):
        raise ValueError("the attribute config is no settings")
    if not isfinite(float(results.attrs["wall_time"])):
        raise ValueError("the attribute wall_time is no time")
