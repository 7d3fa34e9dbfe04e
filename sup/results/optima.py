"""What the best possible models say of trained ones: their least loss, and how far each is from it.

An optimum depends on the activation, the importances and the densities alone: it is sought once for
all seeds, and once for all runs of a process that agree in these.
"""

import json
import logging
import time
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor

from sup.analysis.diagrams import DIAGRAMS
from sup.analysis.linear import linear_population_loss
from sup.analysis.optimum import Optimum, has_optimum, loss_gap, optimum
from sup.config.part import Part
from sup.config.rules import in_one_line
from sup.config.settings import Settings
from sup.model.activations import Activation
from sup.model.building import activation_of, call_part
from sup.model.data import has_plain_model, is_plain, sparsities
from sup.model.population import MOST_FEATURES

log = logging.getLogger(__name__)

LONG = 2.0
"""Seconds from which on it is said how long a search took."""

Row = tuple[float, ...]


@dataclass(frozen=True)
class Cells:
    """The distinct models of one activation whose optimum is sought.

    Args:
        identity: what tells the activation from others.
        n_hidden: m.
        density: p of each cell's features.
        importance: ``I_i`` of each cell.
        activation: the activation itself.
        name: its name.
    """

    identity: str
    n_hidden: int
    density: tuple[Row, ...]
    importance: tuple[Row, ...]
    activation: Activation = field(compare=False)
    name: str = field(compare=False)


@lru_cache(maxsize=64)
def sought(cells: Cells) -> Optimum:
    """Return the optimum of some cells, and say how long it took if that was long."""
    began = time.perf_counter()
    density, importance = (
        torch.tensor(rows, dtype=torch.float64) for rows in (cells.density, cells.importance)
    )
    found = optimum(cells.activation, cells.n_hidden, density, importance)
    seconds = time.perf_counter() - began
    if seconds > LONG:
        count = len(cells.density)
        log.info("optima of %d settings of %s found in %.0f s", count, cells.name, seconds)
    return found


@dataclass(frozen=True)
class Alike:
    """Instances of a run whose activation has the same parameters.

    Args:
        places: of these instances in the run's grid.
        density: p of their features.
        importance: ``I_i``.
        optimum: the best model for each of them.
    """

    places: Int[Tensor, " instance"]
    density: Float[Tensor, "instance feature"]
    importance: Float[Tensor, "instance feature"]
    optimum: Optimum


def optima_of(settings: Settings) -> list[Alike]:
    """Return the optima of a run's instances; none where they are not known.

    They are of linear models, and of others of three features at most.
    """
    points, n = settings.grid.points, settings.n_features
    if not (is_plain(settings) and has_plain_model(settings)):
        return []
    if not has_optimum(_activation(settings.activation, points[0]), n):
        return []
    density = 1 - sparsities(settings, points)
    importance = call_part(settings.importance, "importance", points, n_features=n)
    groups: dict[str, list[int]] = {}
    for place, point in enumerate(points):
        own = {key: value for key, value in point.items() if key.startswith("activation.")}
        groups.setdefault(json.dumps(own), []).append(place)
    return [
        _alike(settings, torch.tensor(places), density[places], importance[places])
        for places in groups.values()
    ]


def _activation(part: Part, point: Any) -> Activation:
    return activation_of(part, [point], torch.device("cpu"), torch.float64)


def _alike(settings: Settings, places: Tensor, density: Tensor, importance: Tensor) -> Alike:
    part, point = settings.activation, settings.grid.points[int(places[0])]
    activation = _activation(part, point)
    own = {key: value for key, value in point.items() if key.startswith("activation.")}
    both, where = torch.cat([density, importance], -1).unique(dim=0, return_inverse=True)
    densities, importances = (tuple(map(tuple, half.tolist())) for half in both.chunk(2, -1))
    identity = json.dumps([part.node(), own], sort_keys=True, default=str)
    found = sought(
        Cells(identity, settings.n_hidden, densities, importances, activation, part.name)
    )
    each = Optimum(found.W[where], found.b[where], found.loss[where])
    return Alike(places, density, importance, each)


def compared(
    settings: Settings,
    W: Float[Tensor, "instance hidden feature"],
    b: Float[Tensor, "instance feature"],
    loss: Float[Tensor, " instance"],
) -> dict[str, Tensor]:
    """Return what a run's optima say of its trained models, by name, each ``[instance]``.

    `optimum_loss`; `loss_gap`, the relative excess of the trained model's exact loss; and for
    models that there is a phase diagram of `optimum_phase`. Nothing where the optima are not known,
    or cannot be computed: what has been trained is complete without them.

    Args:
        settings: the run's.
        W, b: weights and biases, in the order of its grid.
        loss: held-out, which is exact where nothing is sampled.
    """
    try:
        return _compared(settings, W, b, loss)
    except Exception as error:  # a user's activation in float64, say, which was trained in float32
        log.warning("no optimum of %s: %s", settings.activation.name, in_one_line(error))
        return {}


def _compared(settings: Settings, W: Tensor, b: Tensor, loss: Tensor) -> dict[str, Tensor]:
    everywhere: dict[str, Tensor] = {}
    for alike in optima_of(settings):
        given = (alike.density, alike.importance)
        best, places = alike.optimum, alike.places
        exact = loss[places]
        if settings.n_features > MOST_FEATURES:
            exact = linear_population_loss(W[places].double(), b[places].double(), *given)
        own = {
            "optimum_loss": best.loss,
            "loss_gap": loss_gap(exact, best.loss, *given),
        }
        if diagram := DIAGRAMS.get(tuple(best.W.shape[1:])):
            own["optimum_phase"] = torch.from_numpy(diagram.phase_of(best.W.numpy()))
        for name, values in own.items():
            everywhere.setdefault(name, values.new_empty(len(W)))[places] = values
    return everywhere
