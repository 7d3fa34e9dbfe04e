"""Weights that others have trained, out of arrays and files, in the order of dimensions of ours.

Elhage et al.'s notebook, and what follows it, keeps ``W [instance, feature, hidden]``; ARENA's
exercises ``W [instance, hidden, feature]``, as SAELens' `ReluOutputModel` does with a single
``[hidden, feature]``. All of them call the bias ``b_final [instance, feature]``. Which of the two
orders an array has is told by what else is known of it, or said: where it could be either, as
always for n = m, it is asked for and never guessed. Nothing in a file is run.

What stands beside weights and bias is a decoder where it has the shape of one. Anything else, such
as the losses that adonath's JAX port keeps there, is not read.
"""

import json
import logging
import pickle
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from jaxtyping import Float
from safetensors import safe_open
from torch import Tensor

from sup.config.rules import SettingError, in_one_line

log = logging.getLogger(__name__)

LAYOUTS = ("feature hidden", "hidden feature")
"""The last two dimensions of W: of Elhage et al.'s notebook; of ARENA, SAELens and ours."""

WEIGHTS, BIASES = ("W", "w"), ("b_final", "b")
"""What they are called in files and state dicts."""

Held = tuple[dict[str, Any], dict[str, str]]
"""The arrays of a file by name, and what it says of them."""


class Weights(NamedTuple):
    """Weights and biases of some models; the dimensions before the last are the models' own.

    Args:
        W: in float32, or in float64 where they were.
        b: zeros where there were none.
        about: what their file says of them, by key.
        decoder: where there is one that is not W.
    """

    W: Float[Tensor, "*axes hidden feature"]
    b: Float[Tensor, "*axes feature"]
    about: Mapping[str, str]
    decoder: Float[Tensor, "*axes hidden feature"] | None = None


def read_weights(
    weights: Any,
    layout: str | None = None,
    n_features: int | None = None,
    n_hidden: int | None = None,
) -> Weights:
    """Read the weights of models ``x' = f(D^T g(W x) + b)``, of one or of many; D may be W.

    Args:
        weights: the path of a ``.pt``, ``.pth``, ``.safetensors``, ``.npz`` or ``.npy`` file; or
            what such files hold: W alone, or by name W (or w) and b_final (or b), as a state dict.
            Another array of the shape of W, or turned, is the decoder.
        layout: the last two dimensions of W, one of `LAYOUTS`; may be left out where the bias, a
            size or the file tells.
        n_features: n, where it is known.
        n_hidden: m, where it is known.

    Raises:
        SettingError: where they cannot be read, are of other models, or could be of two layouts.
    """
    where = _place(weights)
    is_path = isinstance(weights, (str, Path))
    held, about = opened(Path(weights)) if is_path else (as_named(weights), {})
    found = {name: as_tensor(where, name, values) for name, values in held.items()}
    W = only_one(where, found, WEIGHTS)
    b = only_one(where, found, BIASES)
    if W is None or W.ndim < 2:
        of = f"W has the shape {list(W.shape)}" if W is not None else f"holds {_listed(held)}"
        allowed = (
            "needs W [..., feature, hidden] or [..., hidden, feature], and b_final [..., feature]"
        )
        raise SettingError("weights", where, f"{of}; {allowed}")
    known = {"feature": n_features, "hidden": n_hidden}
    order = layout_of(W, b, layout, known, layout_in(where, about))
    laid = W if order == "hidden feature" else W.mT.contiguous()
    decoder = decoder_in(where, found, laid, order)
    dtype = torch.promote_types(laid.dtype, torch.float32 if b is None else b.dtype)
    zero = laid.new_zeros((*laid.shape[:-2], laid.shape[-1]))
    biases = (zero if b is None else b).to(dtype)
    return Weights(laid.to(dtype), biases, about, None if decoder is None else decoder.to(dtype))


def _place(weights: Any) -> str:
    """Return where weights come from, for errors."""
    return str(weights) if isinstance(weights, (str, Path)) else "given"


def opened(path: Path) -> Held:
    """Return what a file of weights holds, and says of it.

    Raises:
        SettingError: where it cannot be read.
    """
    if path.suffix not in READERS:
        raise SettingError("weights", path, f"must be one of {', '.join(READERS)}")
    if not path.is_file():
        raise SettingError("weights", path, "no such file")
    try:
        return READERS[path.suffix](path)
    except pickle.UnpicklingError as error:
        advice = "holds more than tensors, and code is not run; save model.state_dict()"
        raise SettingError("weights", path, advice) from error
    except Exception as error:  # each of the libraries raises a dozen kinds for a broken file
        raise SettingError("weights", path, f"cannot be read: {in_one_line(error)}") from error


def _from_torch(path: Path) -> Held:
    return as_named(torch.load(path, map_location="cpu", weights_only=True)), {}


def _from_numpy(path: Path) -> Held:
    held = np.load(path, allow_pickle=False)
    return (as_named(held) if isinstance(held, np.ndarray) else dict(held)), {}


def _from_safetensors(path: Path) -> Held:
    with safe_open(path, framework="pt") as held:
        return {name: held.get_tensor(name) for name in held.keys()}, held.metadata() or {}  # noqa: SIM118


READERS: dict[str, Callable[[Path], Held]] = {
    ".pt": _from_torch,
    ".pth": _from_torch,
    ".safetensors": _from_safetensors,
    ".npz": _from_numpy,
    ".npy": _from_numpy,
}
"""How each kind of file is read, by its suffix."""


def as_named(held: Any) -> dict[str, Any]:
    """Return arrays by name; a single one is the weights."""
    return dict(held) if isinstance(held, Mapping) else {"W": held}


def as_tensor(where: str, name: str, values: Any) -> Tensor:
    """Return an array as a tensor of float32 or float64.

    Raises:
        SettingError: where it is no array of real numbers.
    """
    try:
        made = values.detach().cpu() if isinstance(values, Tensor) else None
        made = torch.from_numpy(np.array(values)) if made is None else made
    except (TypeError, ValueError) as error:
        kind = type(values).__name__
        raise SettingError("weights", where, f"{name} is no array, but a {kind}") from error
    if made.is_complex():
        raise SettingError("weights", where, f"{name} is of complex numbers; must be of real ones")
    return made if made.dtype == torch.float64 else made.float()


def only_one(where: str, found: dict[str, Tensor], names: tuple[str, ...]) -> Tensor | None:
    """Take out the one array that has one of these names; None where there is none.

    Raises:
        SettingError: where there are two.
    """
    own = [found.pop(name) for name in names if name in found]
    if len(own) > 1:
        raise SettingError("weights", where, f"holds both {' and '.join(names)}; must hold one")
    return own[0] if own else None


def decoder_in(where: str, others: Mapping[str, Tensor], W: Tensor, order: str) -> Tensor | None:
    """Return the decoder among what stands beside weights and bias; None where it is W, or none is.

    Args:
        where: they come from.
        others: by name; what has not the shape of a decoder is named in the log.
        W: ``[..., hidden, feature]``.
        order: the layout that it had, which is a decoder's too where its shape allows both.

    Raises:
        SettingError: where there are several.
    """
    found = {}
    for name, other in others.items():
        if other.shape not in (W.shape, W.mT.shape):
            log.info("%s: %s %s is not read", where, name, list(other.shape))
        elif not any(torch.equal(other, same) for same in (W, W.mT)):
            is_square = W.shape == W.mT.shape
            is_turned = order == "feature hidden" if is_square else other.shape != W.shape
            found[name] = other.mT.contiguous() if is_turned else other
    if len(found) > 1:
        raise SettingError("weights", where, f"{_listed(found)}: must have one decoder at most")
    return next(iter(found.values()), None)


def layout_in(where: str, about: Mapping[str, str]) -> str | None:
    """Return the layout that a file names in its metadata, as a list of dimensions in JSON."""
    if "layout" not in about:
        return None
    try:
        return " ".join(map(str, json.loads(about["layout"])[-2:]))
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise SettingError("weights", where, "its layout is no list of dimensions") from error


def layout_of(
    W: Tensor,
    b: Tensor | None,
    layout: str | None,
    known: Mapping[str, int | None],
    in_file: str | None = None,
) -> str:
    """Return the layout of weights, the only one that all that is known of them allows.

    Args:
        W: in either layout.
        b: their biases.
        layout: what the user says.
        known: "feature" and "hidden", where they are known.
        in_file: what their file says.

    Raises:
        SettingError: where none fits, or both do.
    """
    if layout not in (None, *LAYOUTS):
        raise SettingError("layout", layout, f"must be one of {', '.join(LAYOUTS)}")
    fitting = []
    for order in LAYOUTS:
        sizes: dict[str, int] = dict(zip(order.split(), W.shape[-2:], strict=True))
        right = all(size in (None, sizes[name]) for name, size in known.items())
        biased = b is None or tuple(b.shape) == (*W.shape[:-2], sizes["feature"])
        if right and biased and layout in (None, order) and in_file in (None, order):
            fitting.append(order)
    shapes = f"W {list(W.shape)}" + ("" if b is None else f", b {list(b.shape)}")
    if not fitting:
        told = {"n_features": known["feature"], "n_hidden": known["hidden"]}
        told |= {"layout": layout, "the file's layout": in_file}
        given = [f"{name}={value}" for name, value in told.items() if value is not None]
        allowed = "must be [..., feature, hidden] or [..., hidden, feature], and b [..., feature]"
        raise SettingError("weights", shapes, ", with ".join([allowed, *given]))
    if len(fitting) > 1:
        one = "'feature hidden' (Elhage et al.'s notebook) or 'hidden feature' (ARENA, SAELens)"
        raise SettingError("layout", layout, f"must be given, {one}: {shapes} could be either")
    return fitting[0]


def _listed(names: Mapping[str, Any]) -> str:
    return ", ".join(map(str, names)) or "nothing"
