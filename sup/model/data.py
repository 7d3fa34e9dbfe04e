"""From settings to the inputs of models, and what decides those of each instance."""

import inspect
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from jaxtyping import Float64, Int
from torch import Tensor

from sup.config.options import OPTIONS
from sup.config.part import Part
from sup.config.rules import SettingError
from sup.config.settings import Settings
from sup.model.building import Points, call_part, column
from sup.model.drawn import DrawnInputs, Values
from sup.model.features.presence import Independent, Presence
from sup.model.inputs import Inputs
from sup.model.noise import NoisyInputs
from sup.model.quadrature import QuadratureInputs
from sup.model.tasks import target_of

Numbers = Float64[Tensor, "instance number"]

Row = tuple[tuple[float, ...], tuple[float, ...]]
"""What decides an input beside its seed: numbers of its features, and of their values."""

ROUNDING = 1e-12
"""A variance below so much of the mean square is none."""

RAREST = 2**-24
"""The least density: a random word has 32 bits, and a rarer feature would have fewer than 256 that
make it present; below 2^-33 it has none."""

AnyInputs = Inputs | QuadratureInputs | DrawnInputs | NoisyInputs


def is_function(part: Part) -> bool:
    """Tell whether features are told by a function, which returns sparsities, and no `Presence`."""
    return not inspect.isclass(part.locate())


def is_plain(settings: Settings) -> bool:
    """Tell whether features are independent, and uniform on [0, 1] where they are present.

    Of such inputs alone population losses are integrated, and kernels draw them themselves.
    """
    is_unit = settings.magnitude.path == OPTIONS["magnitude"]["unit"].target
    return is_unit and is_function(settings.features)


def has_plain_model(settings: Settings) -> bool:
    """Tell whether models are ``x' = f(W^T W x + b)``, trained on the squared error."""
    return settings.model.path == OPTIONS["model"]["plain"].target


def keys_of(group: str, point: Mapping[str, Any]) -> list[str]:
    """Return the axis settings that decide the features, or their magnitude."""
    own = [key for key in point if key.startswith(f"{group}.")]
    return ["sparsity", *own] if group == "features" and "sparsity" in point else own


def columns(group: str, points: Points) -> Numbers:
    """Return the axis settings of a part of the inputs, of every instance."""
    found = [column(points, key) for key in keys_of(group, points[0])]
    return torch.stack(found, -1) if found else torch.zeros(len(points), 0).double()


def sparsities(settings: Settings, points: Points) -> Float64[Tensor, "instance feature"]:
    """Return the probability that each feature is zero, where a function tells it."""
    given: dict[str, Any] = {"n_features": settings.n_features}
    if settings.sparsity is not None:
        given["sparsity"] = column(points, "sparsity")[:, None]
    return call_part(settings.features, "features", points, **given)


def rows(settings: Settings, points: Points) -> list[Row]:
    """Return what decides the input of each instance, beside its seed."""
    is_told = is_function(settings.features)
    features = sparsities(settings, points) if is_told else columns("features", points)
    values = columns("magnitude", points)
    return list(zip(map(tuple, features.tolist()), map(tuple, values.tolist()), strict=True))


def numbers_of(halves: Sequence[tuple[float, ...]]) -> Float64[Tensor, "group number"]:
    """Return the first or the second halves of rows as a tensor."""
    return torch.tensor(halves, dtype=torch.float64).view(len(halves), -1)


def presence(settings: Settings, numbers: Float64[Tensor, "group number"]) -> Presence:
    """Make what decides which features are present.

    Args:
        settings: of any run of a stack.
        numbers: of its inputs, the first halves of their rows.

    Raises:
        SettingError: where it cannot be.
    """
    if is_function(settings.features):
        return Independent(numbers)
    keys = keys_of("features", settings.grid.points[0])
    own = {key.rpartition(".")[2]: numbers[:, k, None] for k, key in enumerate(keys)}
    given = {**settings.features.parameters, **own, "n_features": settings.n_features}
    return settings.features.locate()(**given)


def values(
    settings: Settings,
    numbers: Float64[Tensor, "group number"],
    dtype: torch.dtype = torch.float64,
) -> Values:
    """Make what turns a uniform number into the value of a feature that is present.

    Args:
        settings: of any run of a stack.
        numbers: of its inputs, the second halves of their rows.
        dtype: of the values.
    """
    keys = keys_of("magnitude", settings.grid.points[0])
    own = {key.rpartition(".")[2]: numbers[:, k] for k, key in enumerate(keys)}
    return Values(settings.magnitude.locate(), own, settings.magnitude.parameters, dtype)


def variance(settings: Settings, points: Points) -> Float64[Tensor, "instance feature"]:
    """Return the variance of what each output is to be; 0 of what is always the same."""
    mean, square = moments(settings, points)
    found = square - mean.square()
    return torch.where(found > ROUNDING * square, found, 0.0)


def moments(
    settings: Settings, points: Points
) -> tuple[Float64[Tensor, "instance feature"], Float64[Tensor, "instance feature"]]:
    """Return the mean of what each output is to be, and of its square."""
    own = rows(settings, points)
    features = numbers_of([row for row, _ in own])
    distinct = list(dict.fromkeys(row for _, row in own))
    where = torch.tensor([distinct.index(row) for _, row in own])
    of_values = values(settings, numbers_of(distinct))
    found = of_values.moments(target_of(settings.model.parameters.get("task", "identity")))
    mean, square = (one.expand(len(distinct))[where, None] for one in found)
    density = presence(settings, features).density
    return density * mean, density * square


def check_inputs(settings: Settings) -> None:
    """Check that there can be such features, of such a magnitude.

    Raises:
        SettingError: where there cannot.
    """
    points = settings.grid.points
    features = numbers_of([row for row, _ in dict.fromkeys(rows(settings, points))])
    least = float(presence(settings, features).density.min())
    if not least >= RAREST:
        allowed = f"a feature would be present with probability {least:.3g}, below 2^-24"
        if is_function(settings.features):
            allowed = f"a feature would be zero with probability {1 - least:.9g}, above 1 - 2^-24"
        raise SettingError("features", settings.features.name, allowed)
    if is_plain(settings):
        return
    _, square = moments(settings, points)
    if not bool((square.isfinite() & (square > 0)).all()):
        allowed = "must be finite numbers that are not all 0"
        raise SettingError("magnitude", settings.magnitude.path, allowed)


def words_of(settings: Settings) -> int:
    """Return how many random words the features of a sample take."""
    n = settings.n_features
    if is_plain(settings):
        return n
    (features, _), *_ = rows(settings, settings.grid.points[:1])
    return presence(settings, numbers_of([features])).rows + n


def drawn(
    settings: Settings,
    own: list[Row],
    seed_index: Int[Tensor, " group"],
    group_index: Int[Tensor, " instance"],
    dtype: torch.dtype,
) -> AnyInputs:
    """Make what makes the inputs of a stack's steps.

    Args:
        settings: of any of its runs.
        own: what decides each of its distinct inputs.
        seed_index: which seed's words each of them is made from.
        group_index: which of them each instance looks at.
        dtype: of the inputs.
    """
    features, numbers = (numbers_of(half) for half in zip(*own, strict=True))
    if settings.data == "quadrature":
        return QuadratureInputs(settings.n_features, (1 - features)[group_index].to(dtype))
    if is_plain(settings):
        return Inputs(seed_index, 1 - features, group_index, dtype)
    made = presence(settings, features), values(settings, numbers, dtype)
    return DrawnInputs(*made, seed_index, group_index, dtype)


def held_out(settings: Settings, own: Sequence[Row], dtype: torch.dtype) -> DrawnInputs:
    """Make what makes held-out inputs, whatever models were trained on.

    Args:
        settings: of any run of a stack.
        own: what decides the input of each instance.
        dtype: of the inputs.
    """
    place = {row: k for k, row in enumerate(dict.fromkeys(own))}
    features, numbers = (numbers_of(half) for half in zip(*place, strict=True))
    made = presence(settings, features), values(settings, numbers, dtype)
    group_index = torch.tensor([place[row] for row in own])
    return DrawnInputs(*made, torch.zeros(len(place), dtype=torch.int64), group_index, dtype)
