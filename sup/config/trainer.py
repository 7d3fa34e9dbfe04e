"""The settings below `trainer`: which of Lightning's have a meaning for a stack."""

from collections.abc import Mapping
from typing import Any

from sup.config.rules import AT_LEAST_ONE, SettingError, words

DOUBLE = ("64-true", "64", 64)
"""How Lightning's `precision` says float64."""

SINGLE = (None, "32-true", "32", 32)

OTHERS = ("num_nodes", "deterministic", "benchmark")
"""Settings of Lightning's Trainer that act as they do there, beside those of our own options."""

INSTEAD = {
    **dict.fromkeys(("max_steps", "min_steps", "max_epochs", "min_epochs", "max_time"), "steps"),
    **dict.fromkeys(("limit_train_batches", "fast_dev_run", "overfit_batches"), "steps"),
    "accumulate_grad_batches": "batch_size",
    "logger": "logger",
    "log_every_n_steps": "~callbacks.metrics",
    "callbacks": "callbacks",
    "enable_checkpointing": "~callbacks.checkpoint",
    "enable_progress_bar": "~callbacks.progress",
    "default_root_dir": "hydra.run.dir",
}
"""Settings of Lightning's Trainer that have no effect on a stack, with the setting that has it."""


def is_double(settings: Any) -> bool:
    """Tell whether a run is trained in float64."""
    return settings.trainer.parameters.get("precision") in DOUBLE


def lightnings(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings that are handed on to Lightning's Trainer; the others are ours."""
    own = ("precision", "gradient_clip_val", "gradient_clip_algorithm", "strategy")
    return {name: value for name, value in parameters.items() if name not in own}


def check_environment(variables: Mapping[str, str]) -> None:
    """Check that no variable changes the trainer behind the settings' back, as Lightning allows.

    Raises:
        SettingError: for the first that would.
    """
    for name, value in variables.items():
        if name.startswith("PL_TRAINER_"):
            setting = f"trainer.{name.removeprefix('PL_TRAINER_').lower()}"
            raise SettingError(name, value, f"would act unrecorded; unset it, and set {setting}")


def check_trainer(parameters: Mapping[str, Any]) -> None:
    """Check that each setting of the trainer has an effect.

    Raises:
        SettingError: for the first that has none.
    """
    ours = ("accelerator", "devices", "strategy", "precision", "gradient_clip_val")
    for name, value in parameters.items():
        if name not in (*ours, "gradient_clip_algorithm", *OTHERS):
            instead = f"; use {INSTEAD[name]}" if name in INSTEAD else ""
            raise SettingError(f"trainer.{name}", value, f"has no effect on a stack{instead}")
    precision = parameters.get("precision")
    if precision in DOUBLE and parameters.get("accelerator") in ("mps", "tpu"):
        cannot = f"trainer.accelerator={parameters['accelerator']} has no float64; use 32-true"
        raise SettingError("trainer.precision", precision, cannot)
    if parameters.get("gradient_clip_algorithm") and not parameters.get("gradient_clip_val"):
        algorithm = parameters["gradient_clip_algorithm"]
        raise SettingError(
            "trainer.gradient_clip_algorithm", algorithm, "needs trainer.gradient_clip_val"
        )


def check_devices(settings: Any) -> None:
    """Check that a stack is trained on one machine, and how its devices share a batch.

    Raises:
        SettingError: where it cannot be.
    """
    trainer = settings.trainer.parameters
    devices, strategy = trainer.get("devices"), trainer.get("strategy", "auto")
    AT_LEAST_ONE.check("trainer.devices", devices)  # left out, Lightning would take all it finds
    words("auto", "ddp").check("trainer.strategy", strategy)
    if trainer.get("num_nodes", 1) != 1:  # Lightning would wait for the others forever
        raise SettingError("trainer.num_nodes", trainer["num_nodes"], "must be 1")
    if devices == 1:
        return
    if strategy != "ddp":
        raise SettingError("trainer.devices", devices, "more than 1 needs trainer=ddp")
    several = f"trainer.devices={devices}"
    accelerator = trainer.get("accelerator")
    if accelerator in ("mps", "tpu"):  # Lightning has no ddp there
        no_batch = f"cannot share a batch; {several} needs CUDA devices, or trainer.accelerator=cpu"
        raise SettingError("trainer.accelerator", accelerator, no_batch)
    if settings.stack.devices not in (1, "auto"):
        either = f"trains stacks side by side, {several} each stack on several; one must be 1"
        raise SettingError("stack.devices", settings.stack.devices, either)
    if settings.data == "quadrature":
        raise SettingError("data", "quadrature", f"has no batch that {several} could share")
    if settings.batch_size < devices:
        fewer = f"is fewer than {several}, which share it"
        raise SettingError("batch_size", settings.batch_size, fewer)
