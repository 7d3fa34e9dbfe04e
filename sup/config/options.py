"""The settings of a run's parts: the options of each config group, and what each of them takes.

This is the one place that says what a part's setting means, what it may be and what it is by
default. Hydra's config groups, `--help`, the errors and the table in the docs are made from it. An
option of your own is a file, such as ``conf/activation/mine.yaml``.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from sup.config.activations import ACTIVATIONS
from sup.config.drawing import DRAWINGS
from sup.config.fields import Option, Setting, axis
from sup.config.loggers import LOGGERS
from sup.config.modelling import FEATURES, MAGNITUDES, MODELS
from sup.config.part import Part
from sup.config.rules import (
    AT_LEAST_ONE,
    AT_LEAST_TWO,
    AT_LEAST_ZERO,
    BELOW_ONE,
    DECAY,
    LAYOUT,
    PATH,
    POSITIVE,
    SHARE,
    SettingError,
    or_else,
    words,
)
from sup.config.several import several, with_name
from sup.config.trainer import DOUBLE, SINGLE


def _optimizer(target: str, meaning: str, lr: float, weight_decay: float, **own: Any) -> Option:
    rate = axis(lr, POSITIVE, "learning rate at the start; the scheduler takes it on")
    decay = axis(
        weight_decay,
        AT_LEAST_ZERO,
        "weight decay; adam, adamw: decoupled, per unit of learning rate; sgd: L2, of the loss",
    )
    return Option(f"sup.training.{target}", meaning, {"lr": rate, "weight_decay": decay} | own)


_MOMENTUM = axis(0.9, BELOW_ONE, "what a step keeps of the one before")


_UNTIL_ZERO = Setting("${steps}", AT_LEAST_ONE, "steps that the way to zero takes")

_ACCELERATOR = Setting(
    "auto",
    words("auto", "cpu", "gpu", "cuda", "mps", "tpu"),
    "what is trained on; auto: a CUDA device where there is one, else the CPU; gpu: CUDA",
)
_DEVICES = Setting(
    1, AT_LEAST_ONE, "processes that share each batch, a GPU for each; more than 1: trainer=ddp"
)
_STRATEGY = Setting(
    "auto", words("auto", "ddp"), "ddp: each device takes its share of the same batch"
)
_PRECISION = Setting(
    None,
    words(*SINGLE, *DOUBLE),
    "float32, or float64 with 64-true, on a CPU or a CUDA device",
)
_CLIP = Setting(
    None,
    or_else(POSITIVE, None),
    "most that the norm of a model's gradient may be; a longer one is scaled; null: any",
)
_CLIPPED = Setting(
    None,
    words(None, "norm", "value"),
    "value: each number of the gradient is limited, not the norm of each model's",
)


def _trainer(meaning: str, **defaults: Any) -> Option:
    own = {"accelerator": _ACCELERATOR, "devices": _DEVICES, "strategy": _STRATEGY}
    own |= {"precision": _PRECISION, "gradient_clip_val": _CLIP}
    own |= {"gradient_clip_algorithm": _CLIPPED}
    settings = {
        name: replace(setting, default=defaults.get(name, setting.default))
        for name, setting in own.items()
    }
    return Option("lightning.pytorch.Trainer", meaning, settings)


OPTIONS: dict[str, dict[str, Option]] = {
    "activation": ACTIVATIONS,
    "importance": {
        "geometric": Option(
            "sup.model.importance.geometric",
            "feature i = 0..n-1 counts decay^i in the loss",
            {"decay": axis(0.9, DECAY, "importance of a feature by that of the one before")},
        ),
        "uniform": Option("sup.model.importance.uniform", "every feature counts 1"),
        "relative": Option(
            "sup.model.importance.relative",
            'every feature counts 1, but for the last ("extra") one',
            {"ratio": axis(1.0, POSITIVE, 'importance of the last ("extra") feature')},
        ),
        "explicit": Option(
            "sup.model.importance.explicit",
            "each feature counts what is given",
            {"values": Setting(None, AT_LEAST_ZERO, "importances", per_feature=True)},
        ),
    },
    "features": FEATURES,
    "magnitude": MAGNITUDES,
    "model": MODELS,
    "init": {
        "xavier": Option(
            "sup.model.initialisation.xavier",
            "normal weights with std gain * sqrt(2 / (n_features + n_hidden))",
            {"gain": axis(1.0, POSITIVE, "factor on the standard deviation")},
        ),
        "normal": Option(
            "sup.model.initialisation.normal",
            "normal weights of a given scale",
            {"std": axis(0.1, POSITIVE, "standard deviation of the initial weights")},
        ),
        "given": Option(
            "sup.model.initialisation.given",
            "weights, biases and decoder of a file, of one model or of each of the run's",
            {
                "path": Setting(
                    None, PATH, "a .pt, .safetensors, .npz or .npy file of W, and of b if any"
                ),
                "layout": Setting(
                    None, LAYOUT, "the last two dimensions of W, where they could be either"
                ),
            },
        ),
    },
    "optimizer": {
        "adam": _optimizer("optimizer.StackedAdam", "Adam", 0.01, 0.0),
        "adamw": _optimizer("optimizer.StackedAdam", "AdamW", 0.001, 0.01),
        "sgd": _optimizer(
            "sgd.StackedSGD", "gradient descent with momentum", 0.1, 0.0, momentum=_MOMENTUM
        ),
    },
    "scheduler": {
        "cosine": Option(
            "torch.optim.lr_scheduler.CosineAnnealingLR",
            "from optimizer.lr to zero",
            {"T_max": _UNTIL_ZERO},
        ),
        "linear": Option(
            "torch.optim.lr_scheduler.LinearLR",
            "from optimizer.lr to zero in equal steps",
            {
                "start_factor": Setting(1.0, DECAY, "of optimizer.lr at the start"),
                "end_factor": Setting(0.0, SHARE, "of optimizer.lr at the end"),
                "total_iters": Setting("${steps}", AT_LEAST_ONE, "steps from the one to the other"),
            },
        ),
        "warmup": Option(
            "sup.training.warmup.WarmupCosine",
            "up to optimizer.lr in equal steps, then as cosine to zero",
            {
                "T_max": _UNTIL_ZERO,
                "warmup": Setting(0.05, BELOW_ONE, "share of T_max that the way up takes"),
            },
        ),
        "constant": Option(
            "torch.optim.lr_scheduler.ConstantLR",
            "optimizer.lr throughout",
            {"factor": Setting(1.0, DECAY, "of optimizer.lr in the first steps; 1: no change")},
        ),
    },
    "trainer": {
        "auto": _trainer("on a CUDA device where there is one"),
        "cpu": _trainer("on the CPU", accelerator="cpu"),
        "gpu": _trainer("on a CUDA device", accelerator="gpu"),
        "ddp": _trainer("several devices share each batch", devices=2, strategy="ddp"),
    },
    "logger": LOGGERS,
    "figures": DRAWINGS,
}
"""The options of each config group, by name."""

CALLBACKS: dict[str, Option] = {
    "metrics": Option(
        "sup.callbacks.SuperpositionMetrics", "logs the loss and measures, about 100 times"
    ),
    "images": Option("sup.callbacks.GramImages", "logs pictures of W^T W, at log-spaced steps"),
    "checkpoint": Option(
        "sup.callbacks.StackCheckpoint",
        "writes what resume continues from",
        {"minutes": Setting(1.0, AT_LEAST_ZERO, "time between two checkpoints")},
    ),
    "progress": Option("sup.callbacks.StackProgress", "shows one bar for the stack"),
}
"""What happens during training; each can be left out: ``~callbacks.images``."""

VARIABLES: dict[str, Setting] = {
    "resolution": Setting(None, AT_LEAST_TWO, "values on each axis of an experiment's grid"),
}
"""Keys that some experiments have and other settings refer to."""


def part_of(group: str, value: Any) -> Part:
    """Return the part of a group, however it was given.

    Raises:
        SettingError: where the group has no such option.
    """
    if isinstance(value, Part):
        return value if value.is_named else with_name(named(group, value))
    if isinstance(value, str) and "." in value:
        return Part(value)
    if isinstance(value, str):
        if value not in OPTIONS[group]:
            allowed = ", ".join(sorted(OPTIONS[group]))
            raise SettingError(group, value, f"no such option; allowed: {allowed}")
        option = OPTIONS[group][value]
        return Part(option.target, option.defaults, name=value)
    if group == "importance" and isinstance(value, list):
        return part_of(group, "explicit").changed(values=value)
    if group == "logger" and isinstance(value, list):
        return several(OPTIONS[group], value)
    if isinstance(value, list) or not callable(value):
        raise SettingError(group, value, "must be an option's name, or something to be called")
    return Part(value)


def named(group: str, part: Part) -> Part:
    """Return a part under the name of the option that it could be, if it could be one."""
    return replace(part, name=next(_names(group, part), part.name))


def option_of(group: str, part: Part) -> Option | None:
    """Return the option that a part was made of; None of a part of the user's own."""
    options, names = OPTIONS[group], list(_names(group, part))
    chosen = part.name if part.name in names else next(iter(names), None)
    return options[chosen] if chosen else None


def _names(group: str, part: Part) -> Iterator[str]:
    """Yield the options with a part's target, those first that have its parameters."""
    same = {name: one for name, one in OPTIONS[group].items() if one.target == part.path}
    yield from sorted(
        same, key=lambda name: not part.parameters.keys() <= same[name].settings.keys()
    )


def has_sparsity(features: Part) -> bool:
    """Tell whether features take the setting `sparsity`, or say themselves how rare they are."""
    option = option_of("features", features)
    return "sparsity" not in features.parameters and (option is None or option.has_sparsity)


def part_of_config(group: str, node: Any, chosen: str | list[str]) -> Part:
    """Return the part that a config node stands for.

    Args:
        group: its config group.
        node: the node, with a ``_target_``.
        chosen: what it is called in results, if that is not its target's name; of several loggers
            a list.

    Raises:
        SettingError: where it stands for none.
    """
    if group == "figures" and isinstance(node, str):  # as an earlier release wrote it into results
        return part_of(group, node)
    if not isinstance(node, Mapping) or "_target_" not in node:
        raise SettingError(group, node, f"must be one of {', '.join(OPTIONS[group])}")
    if isinstance(chosen, list):
        return several(OPTIONS[group], chosen, node)
    return Part.of(node, chosen, key=group)


def setting_of(group: str, part: Part, name: str) -> Setting | None:
    """Return what is known of one parameter of a part; None of a user's own."""
    option = option_of(group, part)
    return option.settings.get(name) if option else None
