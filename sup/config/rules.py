"""What a setting may be, and the error where it is something else."""

import difflib
import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from math import isfinite
from typing import Any


class SettingError(ValueError):
    """A setting that cannot be: the message names the key, the value and what is allowed.

    Args:
        key: as it is written on the command line, such as ``importance.decay``.
        value: what it was.
        allowed: what it may be.
    """

    def __init__(self, key: str, value: Any, allowed: str):
        shown = str(value).replace("'", "") if isinstance(value, list) else str(value)
        super().__init__(key, shown, allowed)  # as they are, so that it can be pickled

    def __str__(self) -> str:
        return "{}={}: {}".format(*self.args)


ELSEWHERE = {
    "epochs": "steps",
    "max_epochs": "steps",
    "max_steps": "steps",
    "learning_rate": "lr",
    "feature_probability": "sparsity",
    "density": "sparsity",
}
"""What other toolkits call a setting, by its own name or that within its group."""


def meant(name: str, known: Iterable[str]) -> list[str]:
    """Return the settings that an unknown name may stand for: those of its end, or the nearest."""
    known = list(known)
    own = ELSEWHERE.get(name, name)
    ends = [one for one in known if one == own or one.endswith((f".{own}", f"_{own}"))]
    return ends or difflib.get_close_matches(name, known, n=1)


def unknown(name: str, value: Any, known: Iterable[str]) -> SettingError:
    """Return the error that there is no such setting, with the one that may have been meant."""
    near = meant(name, known)
    guess = f"; did you mean {near[0]}?" if near else ", and no other refers to it"
    return SettingError(name, value, f"no such setting{guess}")


def in_one_line(error: BaseException) -> str:
    """Return an error's kind and message in one line."""
    message = " ".join(str(error).split())[:300]
    if isinstance(error, SettingError):
        return message
    return f"{type(error).__name__}: {message}" if message else type(error).__name__


def is_number(value: Any) -> bool:
    """Tell numbers from everything else, booleans included."""
    return isinstance(value, (int, float)) and not isinstance(value, bool)


@dataclass(frozen=True)
class Rule:
    """What one value may be.

    Args:
        allowed: in words, as it follows "must be".
        admits: tells whether a value is allowed.
    """

    allowed: str
    admits: Callable[[Any], bool]
    read: Callable[[Any], Any] = field(default=lambda value: value, compare=False)
    """Returns what a value plainly means: of a whole number, 10000 for 1e4, and 3 for '3'."""
    words: tuple[str, ...] = ()
    """Words that it may be."""

    def check(self, key: str, value: Any) -> None:
        """Check one value.

        Raises:
            SettingError: where it is not allowed.
        """
        if not self.admits(value):
            near = difflib.get_close_matches(str(value).lower(), self.words, n=1)
            guess = f"; did you mean {near[0]}?" if near else ""
            raise SettingError(key, value, f"must be {self.allowed}{guess}")


def number(allowed: str, holds: Callable[[float], bool], whole: bool = False) -> Rule:
    """Return a rule for finite numbers.

    Args:
        allowed: in words.
        holds: whether a number is allowed.
        whole: whether it must be an integer.
    """
    kind = int if whole else (int, float)
    return Rule(
        allowed,
        lambda value: (
            is_number(value) and isfinite(value) and isinstance(value, kind) and holds(value)
        ),
        as_whole_number if whole else as_number,
    )


def as_number(value: Any) -> Any:
    """Return a number, or a list of numbers, that was written as a text; all else as it is."""
    if isinstance(value, list):
        return [as_number(one) for one in value]
    if not isinstance(value, str):
        return value
    try:
        read = json.loads(value)
    except ValueError:
        return value
    return read if is_number(read) or isinstance(read, list) else value


def as_whole_number(value: Any) -> Any:
    """Return the same, and an integer for each number that is one: 10000 for 1e4."""
    read = as_number(value)
    if isinstance(read, list):
        return [as_whole_number(one) for one in read]
    return int(read) if isinstance(read, float) and read.is_integer() else read


def words(*allowed: Any) -> Rule:
    """Return a rule for one of a few words, or of other values."""
    shown = dict.fromkeys("null" if one is None else str(one) for one in allowed)
    return Rule(
        f"one of {', '.join(shown)}",
        lambda value: not isinstance(value, (list, dict, bool)) and value in allowed,
        words=tuple(shown),
    )


def or_else(rule: Rule, other: Any) -> Rule:
    """Return a rule that also admits one other value, such as None or ``auto``."""
    shown = "null" if other is None else other
    return Rule(
        f"{rule.allowed}, or {shown}",
        lambda value: value == other or rule.admits(value),
        rule.read,
        (*rule.words, str(shown)),
    )


MEASURES = (
    "loss",
    "dimensions_per_feature",
    "total_dimensionality",
    "features_represented",
    "features_strong",
    "effective_features",
    "mean_interference",
    "mean_signed_interference",
)
"""What results have one number of for each model."""
OBJECTIVE = words(*MEASURES)
SORT = Rule(
    f"one of {', '.join(MEASURES)}, a - before it for the highest first, or null",
    lambda value: value is None or str(value).removeprefix("-") in MEASURES,
    words=(*MEASURES, *(f"-{one}" for one in MEASURES), "null"),
)
AT_LEAST_ONE = number("a whole number of at least 1", lambda value: value >= 1, whole=True)
SIZE = number("a whole number in [1, 10^6]", lambda value: 1 <= value <= 10**6, whole=True)
BATCH = number("a whole number in [1, 10^12]", lambda value: 1 <= value <= 10**12, whole=True)
STEPS = number("a whole number in [1, 2^53]", lambda value: 1 <= value <= 2**53, whole=True)
AT_LEAST_TWO = number("a whole number of at least 2", lambda value: value >= 2, whole=True)
COUNT = number("a whole number of at least 0", lambda value: value >= 0, whole=True)
AT_LEAST_ZERO = number("a number of at least 0", lambda value: value >= 0)
POSITIVE = number("a number above 0", lambda value: value > 0)
SHARE = number("a number in [0, 1]", lambda value: 0 <= value <= 1)
BELOW_ONE = number("a number in [0, 1)", lambda value: 0 <= value < 1)
DECAY = number("a number in (0, 1]", lambda value: 0 < value <= 1)
AT_LEAST_ONE_OF_ANY = number("a number of at least 1", lambda value: value >= 1)
CORRELATION = number("a number in [-1, 1]", lambda value: -1 <= value <= 1)
PATH = Rule("the path of a file", lambda value: isinstance(value, str) and bool(value))
LAYOUT = words(None, "feature hidden", "hidden feature")
YES_NO = Rule("true or false", lambda value: isinstance(value, bool))
SPARSITY = number("a number in [0, 1 - 2^-24]", lambda value: 0 <= value <= 1 - 2**-24)
"""Random numbers have 32 bits: a rarer feature would have fewer than 256 values."""
SEED = number("a whole number in [0, 2^63)", lambda value: 0 <= value < 2**63, whole=True)
ANY_NUMBER = number("a finite number", lambda value: True)
ANYTHING = Rule("anything", lambda value: True)
NAME = Rule("one name", lambda value: value is None or isinstance(value, (str, int, float)))
PROJECT = Rule(
    "a name of 1 to 128 letters without / \\ # ? % :",  # W&B takes no others
    lambda value: (
        value is None
        or (NAME.admits(value) and 1 <= len(str(value)) <= 128 and not {*"/\\#?%:"} & {*str(value)})
    ),
)
TAGS = Rule(
    "a list of words of 1 to 64 letters, such as [pilot,relu]",  # W&B takes no longer ones
    lambda value: (
        isinstance(value, (list, tuple))
        and all(isinstance(tag, (str, int, float)) and 1 <= len(str(tag)) <= 64 for tag in value)
    ),
)
