"""Weights of others made results, and results made a file of weights.

A file that is written here is safetensors, with ``W [..., hidden, feature]``, ``b [..., feature]``
and, of untied models, ``decoder [..., hidden, feature]``. Its metadata are `layout`, the names of
W's dimensions; `settings`, each as ``[dimensions, values]``; `attributes`, what else the results
say of themselves: all as JSON.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
import xarray as xr
from safetensors.torch import save

from sup.analysis.axes import axes_of
from sup.config.options import OPTIONS
from sup.config.rules import SettingError, in_one_line
from sup.config.settings import Settings
from sup.model.weights import Weights, read_weights
from sup.results.describing import as_lists, checked, coordinates_of, sized
from sup.results.measuring import measured
from sup.system.files import replacing

SUFFIX = ".safetensors"


def load_weights(
    weights: Any,
    layout: str | None = None,
    *,
    axes: Mapping[str, Sequence[Any]] | None = None,
    n_features: int | None = None,
    n_hidden: int | None = None,
    **settings: Any,
) -> xr.Dataset:
    """Make results of models ``x' = f(W^T W x + b)``, or of variants, that were trained anywhere.

    Measures, figures and `sup.load_model` take them as they take those of a run. What depends on
    the data is there where these are known: `explained` where the sparsity is given, `loss` and
    `loss_error` where the importance is given too. They are those of the features, magnitude and
    model that are given.

    Args:
        weights: a ``.safetensors``, ``.pt``, ``.npz`` or ``.npy`` file, a state dict, or W alone;
            see `sup.model.weights.read_weights`. Of one model, or of one for each place along the
            leading dimensions. Nothing in a file is run.
        layout: the last two dimensions of W: "feature hidden" as in Elhage et al.'s notebook, or
            "hidden feature" as in ARENA, SAELens and here. Needed where the shapes do not tell.
        axes: the leading dimensions by name, in their order, each with its values, such as
            ``{"sparsity": [0, 0.9]}``. By default a single one is called `instance`.
        n_features: n, where the shapes do not tell.
        n_hidden: m, the same.
        settings: with which the models were trained, by the names that `Settings` takes. A list is
            that of the models along their only dimension. ``activation`` is relu if not given.

    Returns:
        A dataset like that of `sup.load_run`, without what only training knows.

    Raises:
        SettingError: where weights cannot be read, or what is said of them cannot be.
    """
    read = read_weights(weights, layout, n_features, n_hidden)
    given, along = as_lists(settings), None if axes is None else as_lists(axes)
    if "settings" in read.about:
        if given or along:
            told = ", ".join([*(along or {}), *given])
            raise SettingError("weights", weights, f"has settings of its own; leave out {told}")
        return measured(_own(read, str(weights)), {})
    sizes = sized(along, read.W.shape[:-2])
    given |= {"n_features": read.W.shape[-1], "n_hidden": read.W.shape[-2]}
    made = checked(given, along or {})
    coordinates = coordinates_of(given, along or {}, made, sizes)
    check_decoder(read, str(weights) if isinstance(weights, (str, Path)) else "given", made)
    models = _dataset(read, [*sizes]).assign_coords(coordinates)
    return measured(models, {made.activation.name: made.activation})


def _dataset(read: Weights, axes: Sequence[str]) -> xr.Dataset:
    W, b = read.W.numpy(), read.b.numpy()
    inner = {"hidden": np.arange(W.shape[-2]), "feature": np.arange(W.shape[-1])}
    held = {"W": ([*axes, *inner], W), "b": ([*axes, "feature"], b)}
    if read.decoder is not None:
        held["decoder"] = ([*axes, *inner], read.decoder.numpy())
    return xr.Dataset(held, inner)


def check_decoder(read: Weights, where: str, settings: Settings) -> None:
    """Check that an untied model has a decoder, and no other one.

    Raises:
        SettingError: where it has not.
    """
    is_untied = settings.model.path == OPTIONS["model"]["untied"].target
    if is_untied and read.decoder is None:
        raise SettingError("model", settings.model.name, "needs a decoder beside W, as `decoder`")
    if not is_untied and read.decoder is not None:
        allowed = "decoder is not W once more; model=untied has one of its own"
        raise SettingError("weights", where, allowed)


def _own(read: Weights, where: str) -> xr.Dataset:
    """Return weights with what `save_weights` has written of them.

    Raises:
        SettingError: where that is something else.
    """
    try:
        layout, settings, attributes = (
            json.loads(read.about[name]) for name in ("layout", "settings", "attributes")
        )
        made = _dataset(read, layout[:-2])
        made = made.assign_coords({name: (dims, held) for name, (dims, held) in settings.items()})
        return made.assign_attrs(attributes)
    except Exception as error:  # as many kinds as there are ways to break metadata
        raise SettingError("weights", where, f"cannot be read: {in_one_line(error)}") from error


def save_weights(results: xr.Dataset, path: str | Path) -> Path:
    """Write the weights and settings of results for others, and for `load_weights`.

    Args:
        results: of `sup.train`, `load_run`, `load_sweep` or `load_weights`, or a part of them.
        path: of a ``.safetensors`` file, which is replaced; what it holds is said above.

    Returns:
        Its path.

    Raises:
        SettingError: for another kind of file.
    """
    path = Path(path)
    if path.suffix != SUFFIX:
        raise SettingError("path", path, f"must end in {SUFFIX}")
    axes = axes_of(results)
    dims = {"W": [*axes, "hidden", "feature"], "b": [*axes, "feature"]}
    if "decoder" in results:
        dims["decoder"] = dims["W"]
    arrays = {name: results[name].transpose(*own).values for name, own in dims.items()}
    settings = {
        name: [[*map(str, held.dims)], held.values.tolist()]
        for name, held in results.coords.items()
        if {*held.dims} <= {*dims["W"]}
    }
    attributes = {name: as_lists({name: value})[name] for name, value in results.attrs.items()}
    about = {"layout": dims["W"], "settings": settings, "attributes": attributes}
    tensors = {name: torch.tensor(held) for name, held in arrays.items()}
    content = save(tensors, {name: json.dumps(held) for name, held in about.items()})
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as unfinished:
        unfinished.write_bytes(content)
    return path
