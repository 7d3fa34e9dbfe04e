"""What is said of a setting, once: its default, what it may be, and what it means."""

from collections.abc import Mapping
from dataclasses import MISSING, Field, dataclass, field
from enum import Enum
from typing import Any

from sup.config.rules import ANYTHING, Rule


class Role(Enum):
    """What a setting is to a stack of runs."""

    OWN = "runs of a stack may differ in it"
    SHARED = "they must agree in it, and it decides what is learned"
    ASIDE = "they must agree in it, but nothing that is learned depends on it"
    LABEL = "they may differ in it, and nothing that is learned depends on it"


@dataclass(frozen=True)
class Setting:
    """What is to be known of one setting.

    Args:
        default: its value where nothing is said.
        rule: what one value may be.
        meaning: a sentence, or the beginning of one.
        axis: whether it takes a number, or a list of numbers that spans a grid of instances.
        per_feature: whether it takes a list with a number for each feature.
    """

    default: Any
    rule: Rule
    meaning: str
    axis: bool = False
    per_feature: bool = False


@dataclass(frozen=True)
class Option:
    """An option of a config group: something to be called.

    Args:
        target: the path to it.
        meaning: what it is.
        settings: its parameters, by name.
        has_sparsity: of features, whether `sparsity` has a meaning for them.
    """

    target: str
    meaning: str
    settings: Mapping[str, Setting] = field(default_factory=dict)
    has_sparsity: bool = True

    @property
    def defaults(self) -> dict[str, Any]:
        """The parameters where nothing is said."""
        return {name: about.default for name, about in self.settings.items()}


def axis(default: float, rule: Rule, meaning: str) -> Setting:
    """Return a setting that takes a number, or a list of numbers."""
    return Setting(default, rule, meaning, axis=True)


def setting(about: Setting, role: Role = Role.SHARED) -> Any:
    """Return a dataclass field for a setting."""
    held: Any = about.default
    default: Any = {"default_factory": held.copy} if isinstance(held, list) else {"default": held}
    return field(**default, metadata={"setting": about, "role": role})


def group(option: str, meaning: str, role: Role = Role.SHARED) -> Any:
    """Return a dataclass field for a part of a run, an option of the config group of its name."""
    about = Setting(option, ANYTHING, meaning)
    return field(default=option, metadata={"setting": about, "role": role, "group": True})


def default_of(one: Field) -> Any:
    """Return the default of a dataclass field."""
    return one.default if one.default_factory is MISSING else one.default_factory()
