"""What training made of some instances, and how it is kept until all of their run are trained."""

import json
import os
import warnings
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from io import BytesIO
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from sup.config.rules import SettingError
from sup.system.files import replacing


@dataclass(frozen=True)
class Outcome:
    """What training made of some instances of a run.

    Args:
        W: weights ``[instance, hidden, feature]``.
        b: biases ``[instance, feature]``.
        decoder: ``[instance, hidden, feature]``; without hidden dimensions where it is W.
        loss: held-out losses ``[instance]``.
        loss_error: their standard errors, or those of integrals ``[instance]``.
        squared_error: held-out, of each feature ``[instance, feature]``.
        training_loss: ``[instance, measurement]``, averaged since the measurement before.
        snapshots: weights ``[instance, snapshot, hidden, feature]``; none of large models.
        diverged_at: the first step that was not finite ``[instance]``; 0 where all were.
        seconds: that the training took.
        device: that it was done on.
        instances_in_stack: that were trained together.
    """

    W: Tensor
    b: Tensor
    decoder: Tensor
    loss: Tensor
    loss_error: Tensor
    squared_error: Tensor
    training_loss: Tensor
    snapshots: Tensor
    diverged_at: Tensor
    seconds: float
    device: str
    instances_in_stack: int

    @property
    def diverged(self) -> Tensor:
        """Which instances were frozen because they were not finite ``[instance]``."""
        return self.diverged_at > 0

    def measured(self, values: Tensor) -> Tensor:
        """Return measures ``[instance, ...]``, not a number for those that have diverged."""
        return values.masked_fill(self.diverged.view(-1, *(1,) * (values.ndim - 1)), torch.nan)

    def check(self, count: int) -> None:
        """Check that it is of some number of instances.

        Raises:
            TypeError, ValueError: where it is not.
        """
        m, n = self.W.shape[1:]
        shapes: dict[str, tuple[int, ...]] = {"W": (m, n), "b": (n,), "squared_error": (n,)}
        shapes |= dict.fromkeys(("loss", "loss_error", "diverged_at"), ())
        shapes["decoder"] = (m if self.decoder.shape[1] else 0, n)
        shaped = {name: tuple(getattr(self, name).shape[1:]) for name in shapes}
        snapshots = self.snapshots.shape[1] == 0 or tuple(self.snapshots.shape[2:]) == (m, n)
        tensors = [getattr(self, name) for name in (*shapes, "training_loss", "snapshots")]
        counted = all(len(tensor) == count for tensor in tensors)
        if shaped != shapes or not (snapshots and counted and self.training_loss.ndim == 2):
            raise ValueError("the shapes differ")
        own = (type(self.seconds), type(self.device), type(self.instances_in_stack))
        if own != (float, str, int):
            raise TypeError("the kinds differ")

    def save(self, path: Path, shared: str, instances: Sequence[str]) -> None:
        """Write it, at once or not at all.

        Args:
            path: where.
            shared: the settings that its instances share, as JSON.
            instances: their own, as JSON.
        """
        path.parent.mkdir(parents=True, exist_ok=True)
        about = {"shared": shared, "instances": list(instances)}
        content = BytesIO()  # torch's own errors do not say that there is no room on the disk
        torch.save({**about, "outcome": asdict(self)}, content)
        with replacing(path) as unfinished:
            unfinished.write_bytes(content.getbuffer())

    @classmethod
    def load(cls, path: Path) -> "Outcome":
        """Read what `save` has written.

        Raises:
            SettingError: where it is something else.
        """
        return read(path)[2]


def read(path: Path) -> tuple[str, list[str], Outcome]:
    """Read what became of some instances, after the settings that they share, and their own.

    Raises:
        SettingError: where `Outcome.save` has not written it.
    """
    try:
        held = loaded(path)
        shared, instances, values = held["shared"], held["instances"], dict(held["outcome"])
        values.setdefault("squared_error", unknown(values["b"]))  # of a version without
        values.setdefault("decoder", values["W"][:, :0])
        outcome = Outcome(**values)
        check_keys(shared, instances)
        outcome.check(len(instances))
    except Exception as error:  # torch raises a dozen kinds for a file that is none of its own
        place = os.path.relpath(path)
        raise SettingError("directory", place, "cannot be read; remove it") from error
    return shared, instances, outcome


def unknown(like: Tensor) -> Tensor:
    """Return what stands for a measure that was not taken: not a number, in float64."""
    return torch.full_like(like, torch.nan, dtype=torch.float64)


def loaded(path: Path) -> dict[str, Any]:
    """Read tensors and plain values that torch has saved; nothing in the file is run."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of what no file of ours is like
        return torch.load(path, map_location="cpu", weights_only=True, mmap=True)


def check_keys(shared: Any, instances: Any) -> None:
    """Check that what a file says of its instances are settings, as JSON.

    Raises:
        TypeError, ValueError: where it is something else.
    """
    if not (isinstance(instances, list) and instances):
        raise TypeError("no list of instances")
    for key in (shared, *instances):
        if not (isinstance(key, str) and isinstance(json.loads(key), dict)):
            raise TypeError("no settings")


def joined(outcomes: Sequence[Outcome]) -> Outcome:
    """Put outcomes of a run's slices together, in the order of its instances."""
    values = {one.name: [getattr(part, one.name) for part in outcomes] for one in fields(Outcome)}
    whole = {name: torch.cat(parts) for name, parts in values.items() if torch.is_tensor(parts[0])}
    return Outcome(
        **whole,
        seconds=sum(values["seconds"]),
        device=values["device"][0],
        instances_in_stack=max(values["instances_in_stack"]),
    )
