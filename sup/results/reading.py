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
from sup.results.coordinates import completed
from sup.results.netcdf import attributes, contents, hdf5, is_bare_dimension

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
            stored = contents(checked(held, file.stat().st_size), attributes(held))
        # Times are none of ours: a unit that says so would be decoded.
        results = completed(xr.decode_cf(stored, decode_times=False).load())
        check_results(results)
    except Exception as error:  # HDF5 and xarray raise a dozen kinds for a broken file
        raise unreadable(file, error) from error
    return results


def read_settings(file: Path) -> Settings:
    """Read the settings of the results of a run, without its arrays.

    Raises:
        SettingError: where they cannot be read.
    """
    try:
        with h5py.File(file) as held:
            W = checked(held, file.stat().st_size)["W"]
            settings = Settings.of_config(json.loads(str(held.attrs["config"])))
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


def checked(held: h5py.File, size: int) -> dict[str, Any]:
    """Return the variables of a file, all of them plain and in the file; nothing is read yet.

    Args:
        held: the file.
        size: its bytes, that bound what it can hold.

    Raises:
        ValueError: for the first variable that is something else.
    """
    links, found = held.id.links, {}
    for name in map(str, held):
        if links.get_info(name.encode()).type != hdf5.h5l.TYPE_HARD:
            raise ValueError(f"{name} is a link to elsewhere")
        found[name] = variable = hdf5.h5o.open(held.id, name.encode())
        if not isinstance(variable, hdf5.h5d.DatasetID):
            raise ValueError(f"{name} is no variable")
        check_stored(name, variable, size)
    for name in NEEDED:
        if name not in found:
            raise ValueError(f"no variable {name}")
    return found


def check_stored(name: str, variable: Any, size: int) -> None:
    """Check that the data of a variable are plain, and all there.

    Raises:
        ValueError: where they are not.
    """
    made, kind = variable.get_create_plist(), variable.dtype
    if made.get_layout() == hdf5.h5d.VIRTUAL or made.get_external_count():
        raise ValueError(f"the data of {name} are in other files")
    if kind.kind not in "biuf" and h5py.check_string_dtype(kind) is None:
        raise ValueError(f"{name} is of type {kind}")
    wanted, stored = kind.itemsize * prod(variable.shape), min(variable.get_storage_size(), size)
    shrunk = MOST_SHRUNK if made.get_layout() == hdf5.h5d.CHUNKED else 1
    if wanted > stored * shrunk and not is_bare_dimension(variable):
        raise ValueError(f"{name} would be {wanted} bytes, of which {stored} are there")


def check_results(results: xr.Dataset) -> None:
    """Check that results have what all that reads them relies on.

    Raises:
        ValueError: for the first thing that is missing, or of another kind.
    """
    variables = results.variables
    axes = set(variables["W"].dims) - {"hidden", "feature"}
    for name, inner in NEEDED.items():
        dims, kind = variables[name].dims, variables[name].dtype
        if not (set(dims) <= axes if name in WORDS else set(dims) == {*axes, *inner}):
            raise ValueError(f"{name} has the dimensions {', '.join(map(str, dims))}")
        if (kind.kind in "biuf") == (name in WORDS):
            raise ValueError(f"{name} is of type {kind}")
    for name, variable in variables.items():
        values = variable.values
        if values.dtype.kind in "OT" and not all(isinstance(one, str) for one in values.flat):
            raise ValueError(f"{name} is neither numbers nor words")
    config: Any = json.loads(results.attrs["config"])
    if not isinstance(config, dict):
        raise ValueError("the attribute config is no settings")
    if not isfinite(float(results.attrs["wall_time"])):
        raise ValueError("the attribute wall_time is no time")
