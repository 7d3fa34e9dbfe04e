"""The settings of a run: what is trained, how, and what comes of it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from functools import cached_property
from typing import Any

from sup.config.call import differences
from sup.config.callbacks import callbacks_of, usual_callbacks
from sup.config.checks import check_kinds, check_together, check_values, described
from sup.config.fields import Role, Setting, default_of, group, setting
from sup.config.grid import Grid, axis_settings
from sup.config.options import (
    CALLBACKS,
    OPTIONS,
    VARIABLES,
    has_sparsity,
    option_of,
    part_of,
    part_of_config,
)
from sup.config.part import Part, as_plain
from sup.config.reading import read
from sup.config.references import referred, referring, resolved
from sup.config.rules import (
    ANYTHING,
    BATCH,
    NAME,
    OBJECTIVE,
    SEED,
    SIZE,
    SORT,
    SPARSITY,
    STEPS,
    TAGS,
    SettingError,
    or_else,
    unknown,
    words,
)
from sup.config.several import TARGET as SEVERAL
from sup.config.several import with_setting
from sup.config.stacking import StackSettings, stack_of
from sup.config.trust import check_trusted

OWN, ASIDE, LABEL = Role.OWN, Role.ASIDE, Role.LABEL


@dataclass(frozen=True, init=False, repr=False)
class Settings:
    """The settings of one run, which is a grid of models.

    Made from keyword arguments: the names below, and those of a part's own settings as results have
    them, such as ``importance_decay`` or ``optimizer_lr``. A part is given by the name of its
    option, as a function, a class, an `nn.Module` or a `Part`; importance also as a list with a
    number for each feature. An *axis* takes a number, or a list of numbers that spans a grid.

    Raises:
        SettingError: for the first argument that is not a setting, or not allowed.
    """

    activation: Part = group("relu", "applied to the outputs", OWN)
    importance: Part = group("geometric", "how much each feature counts in the loss", OWN)
    features: Part = group("independent", "which features are present together")
    magnitude: Part = group("unit", "how large a feature is where it is present")
    model: Part = group("plain", "what models are made of, and what is minimised")
    init: Part = group("xavier", "the scale of the initial weights", OWN)
    optimizer: Part = group("adam", "how gradients change the weights")
    scheduler: Part = group("cosine", "the course of the learning rate")
    trainer: Part = group("auto", "what is trained on")
    logger: Part = group("none", "where curves and pictures go; [csv,wandb]: to each", LABEL)
    figures: Part = group("auto", "which figures are drawn when all is trained", ASIDE)
    n_features: int = setting(Setting(10, SIZE, "features of the input, n"))
    n_hidden: int = setting(Setting(5, SIZE, "hidden dimensions, m"))
    sparsity: float | list[float] | None = setting(
        Setting(0.0, SPARSITY, "probability that a feature is zero in an input, S", axis=True), OWN
    )
    seed: int | list[int] = setting(
        Setting(0, SEED, "decides initial weights and data", axis=True), OWN
    )
    steps: int = setting(Setting(10_000, STEPS, "optimizer steps"))
    batch_size: int = setting(Setting(1024, BATCH, "fresh samples in each step"))
    dataset_size: int | None = setting(
        Setting(None, or_else(BATCH, None), "training samples, used over again; null: fresh ones")
    )
    data: str = setting(
        Setting(
            "sampled",
            words("sampled", "quadrature"),
            "quadrature: the population loss without sampling noise, for n_features of at most 3",
        )
    )
    engine: str = setting(
        Setting(
            "auto",
            words("auto", "native", "triton", "compiled", "eager", "autograd"),
            "how steps are taken: in C++, Triton, closed form (compiled or eager), or by autograd",
        )
    )
    stack: StackSettings = field(default_factory=StackSettings, metadata={"role": ASIDE})
    callbacks: Mapping[str, Part | None] = field(
        default_factory=usual_callbacks, metadata={"role": ASIDE}
    )
    objective: str = setting(
        Setting("loss", OBJECTIVE, "what a search looks at, averaged over a run's instances"),
        ASIDE,
    )
    sort: str | None = setting(
        Setting(
            None,
            SORT,
            "by what the end table's rows go, the lowest first; null: in the order of the jobs",
        ),
        ASIDE,
    )
    resume: str | bool | None = setting(
        Setting(
            None,
            ANYTHING,
            "a checkpoint, or the directory of a run or sweep, to go on from; true: the latest one",
        ),
        ASIDE,
    )
    name: str | None = setting(Setting(None, NAME, "of the run, in tables and in W&B"), LABEL)
    tags: list[str] = setting(Setting([], TAGS, "of the run, in W&B"), LABEL)
    variables: Mapping[str, Any] = field(default_factory=dict, metadata={"role": ASIDE})

    def __init__(self, **given: Any):
        values = {name: as_plain(value) for name, value in given.items()}
        check_kinds(values)
        for one in fields(self):
            value = values.pop(one.name) if one.name in values else default_of(one)
            if one.name in GROUPS:
                value = part_of(one.name, value)
            object.__setattr__(self, one.name, value)
        for name, value in values.items():
            object.__setattr__(self, *self._with_inner(name, value))
        for name, value in read(self).items():
            object.__setattr__(self, name, value)
        for name in GROUPS:
            object.__setattr__(self, name, self._with_references(name))
        check_values(self)
        check_together(self)
        if not has_sparsity(self.features):
            object.__setattr__(self, "sparsity", None)  # each feature has its own

    def _with_inner(self, name: str, value: Any) -> tuple[str, Any]:
        """Return the group, or the stack, that a setting belongs to, with that setting changed."""
        outer, _, inner = name.partition("_")
        if outer == "stack" and inner in vars(self.stack):
            return outer, StackSettings(**{**vars(self.stack), inner: value})
        callback, _, own = inner.partition("_")
        if outer == "callbacks" and own and (held := self.callbacks.get(callback)):
            return outer, {**self.callbacks, callback: held.changed(**{own: value})}
        if outer not in GROUPS or not inner:
            known = all_settings().keys() - VARIABLES.keys()
            raise unknown(name, value, (key.replace(".", "_") for key in known))
        part: Part = getattr(self, outer)
        option = option_of(outer, part)
        if part.path == SEVERAL and (changed := with_setting(part, inner, value)):
            return outer, changed
        elsewhere = any(inner in other.settings for other in OPTIONS[outer].values())
        if elsewhere and (part.path == SEVERAL or (option and inner not in option.settings)):
            raise SettingError(name, value, f"the chosen {outer}, {part.name}, has none")
        return outer, part.changed(**{inner: value})

    def _with_references(self, group: str) -> Part:
        """Return the part of a group, which refers to other settings where it does by default."""
        part: Part = getattr(self, group)
        option = option_of(group, part)
        return referring(part, option.defaults, vars(self)) if option else part

    def part(self, group: str) -> Part:
        """Return the part of a group, with the values of what it refers to, as ``${steps}``."""
        return resolved(getattr(self, group), vars(self))

    def changed(self, **changes: Any) -> "Settings":
        """Return these settings with some of them changed, by the names that `Settings` takes."""
        own = {one.name: getattr(self, one.name) for one in fields(self)}
        if own["sparsity"] is None:  # it was that of each feature
            del own["sparsity"]
        return type(self)(**own | changes)

    def __getstate__(self) -> dict[str, Any]:
        # Not the grid, which would be most of it.
        return {one.name: getattr(self, one.name) for one in fields(self)}

    @classmethod
    def of_config(
        cls, config: Mapping[str, Any], names: Mapping[str, Any] | None = None
    ) -> "Settings":
        """Make settings of a composed config, as plain Python.

        Args:
            config: by key, parts as nodes with a ``_target_``.
            names: what parts are called in results, by group, where that is not their target's
                name: the options that Hydra was told to take; a list of several loggers, whose
                settings stand together in the config.

        Raises:
            SettingError: where it is not allowed.
        """
        known = {one.name for one in fields(cls)}
        given = {name: value for name, value in config.items() if name in known}
        for name in GROUPS:
            if name in config or name not in SINCE:
                chosen = (names or {}).get(name, "")
                given[name] = part_of_config(name, config.get(name), chosen)
        given["callbacks"] = callbacks_of(config.get("callbacks"))
        given["stack"] = stack_of(config.get("stack"))
        others = {name: value for name, value in config.items() if name not in known}
        return cls(**given, variables=others)

    @classmethod
    def of_results(cls, results: Any, **changes: Any) -> "Settings":
        """Make the settings of a run again from its results, an `xarray.Dataset`.

        Trained, they come to the same results; `resume` is not among them. Results may be
        anybody's, so what they name is taken for a part only if it is of this project, or one of
        torch's activations, optimizers and schedules. Code of your own is given, as in
        ``of_results(results, activation=my_function)``.

        Args:
            results: of a single run.
            changes: of the settings, by the names that `Settings` takes.

        Raises:
            SettingError: where they are results of several runs, or name code that is not given.
        """
        if "config" not in results.attrs:
            raise SettingError("results", "of several runs", "give those of a single one")
        names = {name: str(results[name].values) for name in GROUPS if name in results.coords}
        config = {**json.loads(results.attrs["config"]), "resume": None}
        made = cls.of_config(config, names)
        check_trusted(config, changes)
        for name in {*GROUPS} & {*changes}:
            if callable(changes[name]):
                changes[name] = replace(getattr(made, name), target=changes[name])
        return made.changed(**changes)

    def as_config(self) -> dict[str, Any]:
        """Return the config that these settings are made of, as plain Python."""
        config = {one.name: getattr(self, one.name) for one in fields(self)}
        config |= {name: self.part(name).node() for name in GROUPS}
        config["callbacks"] = {name: part and part.node() for name, part in self.callbacks.items()}
        config["stack"] = dict(vars(self.stack))
        return config | dict(config.pop("variables"))

    @cached_property
    def grid(self) -> Grid:
        """The instances: every combination of the values of the axes."""
        return Grid(axis_settings(self))

    def __repr__(self) -> str:
        """Return the call that makes these settings, with what differs from the defaults."""
        changes = differences(self, type(self)(), GROUPS)
        return f"Settings({', '.join(f'{key}={value!r}' for key, value in changes.items())})"


SINCE = ("magnitude", "model", "figures")
"""Groups that results of an earlier release do not name."""

GROUPS = tuple(one.name for one in fields(Settings) if one.metadata.get("group"))
"""The settings that are parts of a run, each an option of the config group of its name."""

LIGHTNINGS = ("trainer", "logger")
"""Groups whose options import Lightning, which takes seconds. The others decide what is learned."""

NAMED = tuple(name for name in GROUPS if name not in (*LIGHTNINGS, "figures"))
"""Groups that results name: what is drawn of them is not among these."""


def all_settings() -> dict[str, Setting]:
    """Return every setting by its key on the command line, those of all options included."""
    held = {one.name: one.metadata for one in fields(Settings)}
    own = {name: about["setting"] for name, about in held.items() if "setting" in about}
    for name, options in OPTIONS.items():
        for option in options.values():
            for key, about in option.settings.items():
                own.setdefault(f"{name}.{key}", about)
    for name, callback in CALLBACKS.items():
        own |= {f"callbacks.{name}.{key}": about for key, about in callback.settings.items()}
    own |= {f"stack.{key}": about for key, about in described(StackSettings).items()}
    return own | VARIABLES


def is_reference(value: Any) -> bool:
    """Tell whether a value stands for that of another setting, such as ``${steps}``."""
    return referred(value) in {one.name for one in fields(Settings)}
