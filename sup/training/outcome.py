"""What training made of some instances, and how it is kept until all of their run are trained."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from io import BytesIO
from pathlib import Path

import torch
from torch import Tensor

from sup.system.files import replacing


@dataclass(frozen=True)
class Outcome:
    """What training made of some instances of a run.

    Args:
        W: weights ``[instance, hidden, feature]``.
        b: biases ``[instance, feature]``.
        loss: held-out losses ``[instance]``.
        loss_error: their standard errors ``[instance]``.
        training_loss: ``[instance, measurement]``, averaged since the measurement before.
        snapshots: weights ``[instance, snapshot, hidden, feature]``; none of large models.
        diverged_at: the first step that was not finite ``[instance]``; 0 where all were.
        seconds: that the training took.
        device: that it was done on.
        instances_in_stack: that were trained together.
    """

    W: Tensor
    b: Tensor
    loss: Tensor
    loss_error: Tensor
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
        """Read what `save` has written."""
        return cls(**torch.load(path, weights_only=True)["outcome"])


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
