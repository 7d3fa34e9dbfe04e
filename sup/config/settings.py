"""What each setting may be, and a check of a whole config that needs neither torch nor files."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from math import isfinite
from pathlib import Path
from typing import Any

from omegaconf import DictConfig, OmegaConf

from sup.config import spacing
from sup.config.grid import as_plain, axis_settings, is_number

spacing.register()


class SettingError(ValueError):
    """A setting that cannot be: the message names the key, the value and what is allowed."""

    def __init__(self, key: str, value: Any, allowed: str):
        shown = str(value).replace("'", "") if isinstance(value, list) else str(value)
        super().__init__(key, shown, allowed)  # as they are, so that it can be pickled

    def __str__(self) -> str:
        return "{}={}: {}".format(*self.args)


@dataclass(frozen=True)
class Rule:
    """What one number may be.

    Args:
        allowed: the sentence a user reads.
        holds: whether a number is allowed.
        whole: whether it must be an integer.
    """

    allowed: str
    holds: Callable[[float], bool]
    whole: bool = False

    def admits(self, value: Any) -> bool:
        """Tell whether `value` is a number that this rule allows."""
        if not is_number(value) or not isfinite(value):
            return False
        return self.holds(value) and not (self.whole and not isinstance(value, int))


AT_LEAST_ONE = Rule("a whole number of at least 1", lambda value: value >= 1, whole=True)
POSITIVE = Rule("a number above 0", lambda value: value > 0)
ANY_NUMBER = Rule("a finite number", lambda value: True)

AT_LEAST_ZERO = Rule("a number of at least 0", lambda value: value >= 0)

NUMBERS = {
    "n_features": AT_LEAST_ONE,
    "n_hidden": AT_LEAST_ONE,
    "steps": AT_LEAST_ONE,
    "batch_size": AT_LEAST_ONE,
    "resolution": Rule("a whole number of at least 2", lambda value: value >= 2, whole=True),
    "callbacks.checkpoint.minutes": AT_LEAST_ZERO,
    "trainer.devices": AT_LEAST_ONE,
}
"""Settings that are one number, the same for all the instances of a stack."""

LIMITS = {
    "stack.max_instances": AT_LEAST_ONE,
    "stack.max_memory": POSITIVE,
    "stack.devices": AT_LEAST_ONE,
}
"""Settings that are one number, or the word of `UNSET` that leaves it to the machine."""

UNSET = {"stack.max_instances": None, "stack.max_memory": None, "stack.devices": "auto"}

AXES = {
    "sparsity": Rule("a number in [0, 1)", lambda value: 0 <= value < 1),
    "seed": Rule("a whole number in [0, 2^63)", lambda value: 0 <= value < 2**63, whole=True),
    "importance.decay": Rule("a number in (0, 1]", lambda value: 0 < value <= 1),
    "importance.ratio": POSITIVE,
    "init.gain": POSITIVE,
    "init.std": POSITIVE,
    "optimizer.lr": POSITIVE,
    "optimizer.weight_decay": AT_LEAST_ZERO,
}
"""Settings that are a number or a list of numbers. The parameters of a user's own activation,
importance or initialisation may be any finite numbers."""


_PARTS = ("activation", "importance", "init", "optimizer", "scheduler")
GROUPS = (*_PARTS, "logger", "trainer", "callbacks")
"""Config groups, each with an option chosen."""

WORDS = {
    "engine": ("auto", "compiled", "eager", "autograd"),
    "data": ("sampled", "quadrature"),
    "objective": (
        "loss",
        "dimensions_per_feature",
        "total_dimensionality",
        "features_represented",
        "features_strong",
        "mean_interference",
    ),
    "trainer.accelerator": ("auto", "cpu", "gpu", "cuda", "mps", "tpu"),
}
"""Settings that are one of a few words."""

DDP = "sup.training.ddp.StackedDDPStrategy"
"""The strategy of `trainer=ddp`."""

LONGEST_TAG = 64
"""Letters of a tag; W&B takes no more."""

WANDB_MODES = ("online", "offline", "disabled", "shared")
"""What W&B's own environment variable may be."""


def check_axis(key: str, value: Any) -> None:
    """Check one axis setting: a number, or a list of different numbers.

    Raises:
        SettingError: where it is neither.
    """
    rule = AXES.get(key, ANY_NUMBER)
    allowed = f"must be {rule.allowed}, or a list of them"
    values = value if isinstance(value, list) else [value]
    if not values:
        raise SettingError(key, value, f"the list is empty; {allowed}")
    for one in values:
        if not rule.admits(one):
            raise SettingError(key, one, allowed)
        if values.count(one) > 1:
            raise SettingError(key, value, f"{one} stands twice; the values of a list must differ")


def has(config: DictConfig, key: str) -> bool:
    """Tell whether the dotted `key` stands in `config`, null included."""
    *parents, name = key.split(".")
    node = OmegaConf.select(config, ".".join(parents)) if parents else config
    return node is not None and name in node


def check(config: DictConfig) -> None:
    """Check every setting of a composed config.

    Raises:
        SettingError: for the first setting that is not allowed.
    """
    for group in GROUPS:
        if not OmegaConf.is_dict(config.get(group)):
            raise SettingError(group, config.get(group), "must be one of the group's options")
    if "results" not in config.callbacks:
        raise SettingError("~callbacks", "results", "a run cannot do without its results")
    check_numbers(config)
    check_words(config)
    check_devices(config)


def check_numbers(config: DictConfig) -> None:
    """Check the settings that are numbers, or lists of them.

    Raises:
        SettingError: for the first that is not allowed.
    """
    for key, rule in NUMBERS.items():
        if has(config, key):
            value = as_plain(OmegaConf.select(config, key))
            if not rule.admits(value):
                raise SettingError(key, value, f"must be {rule.allowed}")
    for key, rule in LIMITS.items():
        value, unset = as_plain(OmegaConf.select(config, key)), UNSET[key]
        if value != unset and not rule.admits(value):
            word = "null" if unset is None else unset
            raise SettingError(key, value, f"must be {rule.allowed}, or {word}")
    given = {key: as_plain(OmegaConf.select(config, key)) for key in AXES if has(config, key)}
    axes = axis_settings(config)
    for key, value in (given | axes).items():
        check_axis(key, value)
        if isinstance(value, list) and key not in axes:
            raise SettingError(key, value, "must be one number with this optimizer")


def check_words(config: DictConfig) -> None:
    """Check the settings that are words.

    Raises:
        SettingError: for the first that is not allowed.
    """
    for key, allowed in WORDS.items():
        value = as_plain(OmegaConf.select(config, key))
        if value not in allowed:
            raise SettingError(key, value, f"must be one of {', '.join(allowed)}")
    if config.data == "quadrature" and config.n_features > 3:
        needed = f"needs n_features of at most 3, not {config.n_features}"
        raise SettingError("data", config.data, needed)
    mode = os.environ.get("WANDB_MODE") or "offline"
    if "wandb" in str(config.logger.get("_target_")) and mode not in WANDB_MODES:
        raise SettingError("WANDB_MODE", mode, f"must be one of {', '.join(WANDB_MODES)}")
    tags = as_plain(config.tags)
    if not isinstance(tags, list) or not all(isinstance(tag, (str, int, float)) for tag in tags):
        raise SettingError("tags", tags, "must be a list of words, such as [pilot,relu]")
    if too_long := [tag for tag in tags if not 1 <= len(str(tag)) <= LONGEST_TAG]:
        raise SettingError("tags", too_long[0], f"must have 1 to {LONGEST_TAG} letters each")
    if OmegaConf.is_config(config.name):
        raise SettingError("name", as_plain(config.name), "must be one name")
    if config.resume is not None:
        check_resume(as_plain(config.resume))


def check_resume(value: Any) -> None:
    """Check what is to be continued from: a path, or true, for the latest of the same command.

    Raises:
        SettingError: where it is neither, or nothing is there.
    """
    if value is True:
        return
    if not isinstance(value, str) or not value:
        raise SettingError("resume", value, "must be a path, or true")
    if not Path(value).exists():
        allowed = "give a .ckpt file, or the directory of a run or sweep"
        raise SettingError("resume", value, f"no such file or directory; {allowed}")


def check_devices(config: DictConfig) -> None:
    """Check that a stack is trained on one machine, and how its devices share a batch.

    Raises:
        SettingError: where it cannot be.
    """
    devices = config.trainer.get("devices")
    if devices is None:  # Lightning would take all that it finds
        raise SettingError("trainer.devices", devices, f"must be {AT_LEAST_ONE.allowed}")
    nodes = config.trainer.get("num_nodes", 1)
    if nodes != 1:  # Lightning would wait for the others forever
        raise SettingError("trainer.num_nodes", nodes, "must be 1")
    strategy = as_plain(config.trainer.get("strategy", "auto"))
    shares = isinstance(strategy, dict) and strategy.get("_target_") == DDP
    if not shares and strategy != "auto":
        raise SettingError("trainer.strategy", strategy, "must be left out, or that of trainer=ddp")
    if devices > 1 and not shares:
        raise SettingError("trainer.devices", devices, "more than 1 needs trainer=ddp")
    if devices > 1:
        check_sharing(config)


def check_sharing(config: DictConfig) -> None:
    """Check that several devices have a batch to share, and nothing else to do.

    Raises:
        SettingError: where they have not.
    """
    devices = config.trainer.devices
    if config.stack.devices not in (1, "auto"):
        several = f"trains stacks side by side, trainer.devices={devices} each stack on several"
        raise SettingError("stack.devices", config.stack.devices, f"{several}; one must be 1")
    if config.data == "quadrature":
        several = f"has no batch that trainer.devices={devices} could share"
        raise SettingError("data", config.data, several)
    if config.batch_size < devices:
        fewer = f"is fewer than trainer.devices={devices}, which share it"
        raise SettingError("batch_size", config.batch_size, fewer)
