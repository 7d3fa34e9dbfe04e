"""Datasets as netCDF-4, the HDF5 that xarray, h5netcdf and netCDF's own library write and read.

Written by HDF5's functions themselves: xarray and h5netcdf take twenty times as long for the forty
variables of a run, most of which are single numbers.
https://docs.unidata.ucar.edu/netcdf-c/current/file_format_specifications.html
"""

from collections.abc import Mapping
from typing import Any

import h5py
import numpy as np
import xarray as xr

hdf5: Any = h5py  # its compiled modules have no types

WORDS = h5py.string_dtype()

IN_ORDER = hdf5.h5p.CRT_ORDER_TRACKED | hdf5.h5p.CRT_ORDER_INDEXED
"""Without it netCDF's library takes no file that it may change."""

BLOCK = 2**16
"""Bytes by which a file in memory grows."""

OF_FORMAT = (
    *("DIMENSION_LIST", "REFERENCE_LIST", "CLASS", "NAME"),
    *("_Netcdf4Dimid", "_Netcdf4Coordinates", "_NCProperties", "_nc3_strict"),
)
"""Attributes with which HDF5 and netCDF keep dimensions, and themselves."""

BARE = b"This is a netCDF dimension but not a netCDF variable"
"""How the name of a scale begins that is there for its dimension's length alone."""


def encoded(results: xr.Dataset) -> bytes:
    """Return the bytes of a file that holds a dataset.

    Args:
        results: of numbers and words, with coordinates along each dimension; attributes are
            numbers or words.
    """
    file = hdf5.h5f.create(b"results.nc", hdf5.h5f.ACC_TRUNC, *_file_properties())
    properties, variables = _variable_properties(), results.variables
    made = {
        name: _written(file, str(name), variable.values, properties)
        for name, variable in variables.items()
    }
    for number, name in enumerate(results.dims):
        hdf5.h5ds.set_scale(made[name], str(name).encode())
        _attribute(made[name], "_Netcdf4Dimid", np.int32(number))
    for name in (name for name in variables if name not in results.dims):
        for place, dim in enumerate(variables[name].dims):
            hdf5.h5ds.attach_scale(made[name], made[dim], place)
        if variables[name].dtype == bool:
            _attribute(made[name], "dtype", "bool")
    root = hdf5.h5g.open(file, b"/")
    beside = " ".join(str(name) for name in results.coords if name not in results.dims)
    for name, value in {**results.attrs, "coordinates": beside}.items():
        _attribute(root, str(name), value)
    _attribute(root, "_NCProperties", np.bytes_(f"version=2,h5py={h5py.__version__}"))
    hdf5.h5f.flush(file)
    return file.get_file_image()


def _file_properties() -> tuple[Any, Any]:
    """Return how a file is made, and that it is made in memory."""
    made, reached = hdf5.h5p.create(hdf5.h5p.FILE_CREATE), hdf5.h5p.create(hdf5.h5p.FILE_ACCESS)
    made.set_link_creation_order(IN_ORDER)
    made.set_attr_creation_order(IN_ORDER)
    reached.set_fapl_core(BLOCK, False)
    reached.set_libver_bounds(hdf5.h5f.LIBVER_EARLIEST, hdf5.h5f.LIBVER_LATEST)
    return made, reached


def _variable_properties() -> Any:
    made = hdf5.h5p.create(hdf5.h5p.DATASET_CREATE)
    made.set_attr_creation_order(IN_ORDER)
    made.set_obj_track_times(False)
    return made


def _written(file: Any, name: str, values: np.ndarray, properties: Any) -> Any:
    """Write an array of numbers or words under a name, and return its variable in the file."""
    stored = _storable(values)
    kind = hdf5.h5t.py_create(stored.dtype, logical=True)
    variable = hdf5.h5d.create(file, name.encode(), kind, _space(stored), dcpl=properties)
    variable.write(hdf5.h5s.ALL, hdf5.h5s.ALL, stored)
    return variable


def _attribute(place: Any, name: str, value: Any) -> None:
    """Write an attribute: words as they are, a number as a list of one, as netCDF has it."""
    stored = _storable(np.asarray(value))
    stored = np.atleast_1d(stored) if stored.dtype.kind in "iuf" else stored
    kind = hdf5.h5t.py_create(stored.dtype, logical=True)
    hdf5.h5a.create(place, name.encode(), kind, _space(stored)).write(stored)


def _storable(values: np.ndarray) -> np.ndarray:
    """Return an array as netCDF can hold it: it has no type of one bit, and no words of numpy's."""
    if values.dtype.kind in "UO":
        return values.astype(WORDS)
    return np.asarray(values.view(np.int8) if values.dtype == bool else values, order="C")


def _space(values: np.ndarray) -> Any:
    shape = values.shape
    return hdf5.h5s.create_simple(shape) if shape else hdf5.h5s.create(hdf5.h5s.SCALAR)


def contents(variables: Mapping[str, Any], about: Mapping[str, Any]) -> xr.Dataset:
    """Read variables as they are stored.

    Args:
        variables: of a file that is open, by name, those of its dimensions among them.
        about: its attributes.

    Raises:
        KeyError: for the first variable that does not say what its dimensions are.
    """
    scales = {name: one for name, one in variables.items() if hdf5.h5ds.is_scale(one)}
    # By where they are: for the name of what is referred to, HDF5 would search the whole file.
    dims = {hdf5.h5o.get_info(scale).addr: name for name, scale in scales.items()}
    read = {}
    for name, one in variables.items():
        if name not in scales:
            own = [dims[place] for place in _places_of_scales(one)]
            read[name] = xr.Variable(own, _values(one), attributes(h5py.Dataset(one)))
        elif not is_bare_dimension(one):
            read[name] = xr.Variable(name, _values(one), attributes(h5py.Dataset(one)))
    return xr.Dataset(read, attrs=about)


def is_bare_dimension(variable: Any) -> bool:
    """Tell whether a variable stands for a dimension without coordinates: its data are not read."""
    is_scale = hdf5.h5ds.is_scale(variable)
    return is_scale and hdf5.h5ds.get_scale_name(variable).startswith(BARE)


def attributes(held: h5py.File | h5py.Dataset) -> dict[str, Any]:
    """Return what attributes say of the contents; a list of one is what is in it."""
    return {name: _plain(held.attrs[name]) for name in held.attrs if name not in OF_FORMAT}


def _plain(value: Any) -> Any:
    if isinstance(value, h5py.Empty):
        return ""
    if isinstance(value, bytes):
        return value.decode(errors="surrogateescape")
    return value.flat[0] if isinstance(value, np.ndarray) and value.size == 1 else value


def _places_of_scales(variable: Any) -> list[int]:
    """Return where in the file the scale of each of a variable's dimensions is."""
    if not variable.shape:
        return []
    attribute = hdf5.h5a.open(variable, b"DIMENSION_LIST")
    references: Any = np.empty(attribute.shape, attribute.dtype)
    attribute.read(references)
    scales = [hdf5.h5r.dereference(several[-1], variable) for several in references]
    return [hdf5.h5o.get_info(scale).addr for scale in scales]


def _values(variable: Any) -> np.ndarray:
    """Read the numbers or words of a variable."""
    values: Any = np.empty(variable.shape, variable.dtype)
    variable.read(hdf5.h5s.ALL, hdf5.h5s.ALL, values)
    if values.dtype != object:
        return values
    return np.array([word.decode() for word in values.flat], str).reshape(values.shape)
