"""What happens during training, by name: the settings below `callbacks`."""

from collections.abc import Mapping
from typing import Any

from sup.config.options import CALLBACKS
from sup.config.part import Part
from sup.config.rules import SettingError

FAMILY = ("lightning.pytorch.callbacks", "pytorch_lightning.callbacks")

NEUTRAL = ("Callback", "LambdaCallback", "Checkpoint")
"""Lightning's callbacks that do what they are told to, and no more."""

INSTEAD = {
    "ProgressBar": "callbacks.progress shows a bar",
    "TQDMProgressBar": "callbacks.progress shows a bar",
    "RichProgressBar": "callbacks.progress shows a bar",
    "ModelCheckpoint": "callbacks.checkpoint writes what resume continues from",
    "OnExceptionCheckpoint": "callbacks.checkpoint writes what resume continues from",
    "LearningRateMonitor": "callbacks.metrics logs the learning rate, as lr",
    "EarlyStopping": "every model of a stack is trained for all its steps",
    "Timer": "results hold wall_time, and Ctrl-C writes a checkpoint",
}
"""What there is in place of Lightning's callbacks, which look after one model and its logger."""


def check_foreign(name: str, path: str) -> None:
    """Check that a callback is none of Lightning's that would fail late, or do nothing.

    Args:
        name: its key below `callbacks`.
        path: to its class, or to one that this is made from.

    Raises:
        SettingError: where it is one.
    """
    kind = path.rpartition(".")[2]
    if path.startswith(FAMILY) and kind not in NEUTRAL:
        usual = "it acts on Lightning's own loop over one model, which a stack does not use"
        raise SettingError(f"callbacks.{name}", path, f"not for stacks: {INSTEAD.get(kind, usual)}")


def usual_callbacks() -> dict[str, Part | None]:
    """Return the callbacks where nothing is said."""
    return {name: Part(option.target, option.defaults) for name, option in CALLBACKS.items()}


def callbacks_of(held: Any) -> dict[str, Part | None]:
    """Make callbacks of their config, nodes by name.

    Raises:
        SettingError: where they are something else.
    """
    if not isinstance(held, Mapping):
        raise SettingError("callbacks", held, "must be callbacks by name")
    for name, node in held.items():
        if node is not None and not (isinstance(node, Mapping) and "_target_" in node):
            raise SettingError(f"callbacks.{name}", node, "must have a _target_, or be null")
    return {
        name: Part.of(node, key=f"callbacks.{name}") if node else None
        for name, node in held.items()
    }
