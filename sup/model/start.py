"""Where training begins: what is drawn, and what a file of models says of each instance."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from sup.config.grid import Number, dimension, shown
from sup.config.rules import SettingError
from sup.config.settings import NAMED, Settings
from sup.model.initialisation import xavier
from sup.model.structure import Untied
from sup.model.weights import Weights


class Start(NamedTuple):
    """Where some instances begin.

    Args:
        std: standard deviations, with which a matrix is drawn that is None.
        W: weights.
        b: biases; None: 0.
        decoder: where it is not W.
    """

    std: Float[Tensor, "instance 1"]
    W: Float[Tensor, "instance hidden feature"] | None = None
    b: Float[Tensor, "instance feature"] | None = None
    decoder: Float[Tensor, "instance hidden feature"] | None = None


def start_of(
    settings: Settings, points: Sequence[Mapping[str, Number]], places: range, held: Weights
) -> Start:
    """Return where instances begin that begin at weights.

    One model is that of all. Where the file says by which settings its models differ, each instance
    begins at the model that has its own; else the models are the run's, in the order of its grid. A
    decoder that the file does not have is drawn, as by Xavier.

    Args:
        settings: of the run.
        points: each instance's, by key.
        places: where these instances stand in the run's grid.
        held: weights of any number of models.

    Raises:
        SettingError: where the models are none for these settings.
    """
    check_structure(settings, held)
    shape = held.W.shape[-2:]
    W = held.W.double().reshape(-1, *shape)
    b = held.b.double().reshape(len(W), -1)
    D = None if held.decoder is None else held.decoder.double().reshape(-1, *shape)
    chosen = [0] * len(places) if len(W) == 1 else matched(settings, points, held)
    if chosen is None and len(W) != settings.grid.size:
        told = f"holds {len(W)} models; must hold one, or the run's {settings.grid.size}"
        raise SettingError("init", settings.init.name, told)
    at = list(places) if chosen is None else chosen
    gain = torch.ones(len(places), 1, dtype=torch.float64)
    std = xavier(settings.n_features, settings.n_hidden, gain)
    return Start(std, W[at], b[at], None if D is None else D[at])


def check_structure(settings: Settings, held: Weights) -> None:
    """Check that models can have what a file gives them.

    Raises:
        SettingError: where they cannot.
    """
    part, name = settings.model, settings.init.name
    if held.decoder is not None and not issubclass(part.locate(), Untied):
        told = f"holds a decoder that is not W, and model={part.name} has none"
        raise SettingError("init", name, f"{told}; model=untied has one")
    if not part.parameters.get("bias", True) and bool(held.b.any()):
        raise SettingError("init", name, "holds biases, and model.bias=false has none")


def matched(
    settings: Settings, points: Sequence[Mapping[str, Number]], held: Weights
) -> list[int] | None:
    """Return which of a file's models each instance begins at, by what the file says of them.

    None where it does not tell its models apart by any setting that instances have.

    Raises:
        SettingError: where there is none, or more than one, that has an instance's settings.
    """
    words = {name: getattr(settings, name).name for name in NAMED}
    wanted = [words | {dimension(key): one for key, one in point.items()} for point in points]
    columns = told_apart(held)
    names = [name for name in columns if name in wanted[0]]
    if not names:
        return None
    models: dict[tuple[str, ...], list[int]] = {}
    is_there = held.W.isfinite().flatten(-2).all(-1).flatten()  # of a sweep, some may be missing
    for place in is_there.nonzero().flatten().tolist():
        models.setdefault(tuple(columns[name][place] for name in names), []).append(place)
    chosen = []
    for one in wanted:
        own = tuple(shown(one[name]) for name in names)
        found = models.get(own, [])
        if len(found) != 1:
            like = ", ".join(f"{name}={value}" for name, value in zip(names, own, strict=True))
            others = ", ".join(name for name in columns if name not in names)
            told = f"{len(found)} models of {like} along {others}"
            told = f"holds {told if found else f'no model of {like}'}; must hold one"
            raise SettingError("init", settings.init.name, told)
        chosen += found
    return chosen


def told_apart(held: Weights) -> dict[str, list[str]]:
    """Return the settings in which a file's models differ, each with its value for every model.

    Raises:
        SettingError: where what it says of them cannot be read.
    """
    about, sizes = held.about, held.W.shape[:-2]
    if "layout" not in about or "settings" not in about:
        return {}
    found = {}
    try:
        axes = json.loads(about["layout"])[:-2]
        own: dict[str, tuple[list[str], Any]] = json.loads(about["settings"])
        for name, (dims, values) in own.items():
            if not dims or not {*dims} <= {*axes}:
                continue
            lengths = [size if dim in dims else 1 for dim, size in zip(axes, sizes, strict=True)]
            order = np.argsort([axes.index(dim) for dim in dims])
            laid = np.asarray(values, dtype=object).transpose(order).reshape(lengths)
            column = [shown(value) for value in np.broadcast_to(laid, sizes).flat]
            if len({*column}) > 1:
                found[name] = column
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise SettingError("init", "given", "the file's settings cannot be read") from error
    return found
