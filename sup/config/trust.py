"""What may be run because a file names it: what this project and torch bring for it, and no more.

Results name the code that they were made with. Whoever loads results of others, or trains them
again, has not read that code, and may not even have it: what is neither ours nor among torch's own
activations, optimizers and schedules runs only where the user gives it.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from sup.config.options import CALLBACKS, OPTIONS
from sup.config.rules import SettingError
from sup.config.several import TARGET as SEVERAL

OURS = {option.target for options in (*OPTIONS.values(), CALLBACKS) for option in options.values()}
OURS |= {SEVERAL}

MATHEMATICS = (
    *("abs", "celu", "cos", "erf", "exp", "hardshrink", "log1p", "logit", "neg", "relu", "selu"),
    *("sigmoid", "sign", "sin", "sinc", "softmax", "square", "tan", "tanh"),
)
"""Functions of torch itself: beside them stand those that read and write files."""

TORCHS = re.compile(
    r"sup\.model\.activations\.[A-Z]\w*"
    r"|torch\.nn\.(modules\.activation\.)?[A-Z]\w*"
    r"|torch\.nn\.functional\.[a-z]\w*"
    r"|torch\.optim\.(\w+\.)?[A-Z]\w*"
    rf"|torch\.({'|'.join(MATHEMATICS)})"
    r"|lightning\.pytorch\.(trainer\.trainer\.)?Trainer"
)
"""Classes by their capital letter: in a module stand the modules that it imports, too."""


def is_trusted(path: str) -> bool:
    """Tell whether a path may be imported and called because a file names it."""
    return path in OURS or TORCHS.fullmatch(path) is not None


def strangers(value: Any, key: str) -> Iterator[tuple[str, str]]:
    """Yield what a config names that may not run for that alone, with its key, at any depth."""
    if isinstance(value, Mapping):
        if "_target_" in value and not is_trusted(str(value["_target_"])):
            yield key, str(value["_target_"])
        for name, inner in value.items():
            yield from strangers(inner, f"{key}.{name}")
    elif isinstance(value, list):
        for inner in value:
            yield from strangers(inner, key)


def check_trusted(config: Mapping[str, Any], given: Iterable[str]) -> None:
    """Check that a config from results names no code that may not run for that alone.

    Args:
        config: by key.
        given: keys whose parts the user gives in their place.

    Raises:
        SettingError: for the first that does.
    """
    parts = {name: config[name] for name in OPTIONS}
    parts |= {f"callbacks.{name}": node for name, node in config["callbacks"].items()}
    for key, part in parts.items():
        for inner, path in strangers(part, key):
            if not {key, f"{key}._target_", key.partition(".")[0]} & {*given}:
                advice = f"is code that results name, which runs only if you give {key} yourself"
                raise SettingError(f"{inner}._target_", path, advice)
