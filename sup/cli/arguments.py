"""The command's arguments before Hydra reads them: what can be said of them in one line, is."""

import difflib
import os
import re
from collections.abc import Sequence
from typing import Any, NoReturn

from hydra._internal.utils import get_args_parser  # read: 1.3.8
from omegaconf import OmegaConf

from sup.cli import program
from sup.config.options import CALLBACKS, OPTIONS
from sup.config.rules import SettingError, meant
from sup.config.settings import GROUPS, all_settings

MOST_JOBS = 100_000
"""Values of a sweep's range at the most: Hydra makes a job of each before any can be looked at."""

MULTIRUN = ("-m", "--multirun")


class UsageError(ValueError):
    """Options that Hydra has none of, or with a value that it does not take."""


def as_overrides(arguments: Sequence[str]) -> list[str]:
    """Return the arguments as Hydra takes them.

    It takes -m before or behind all overrides, and not among them; W&B's agent writes them as
    `--key=value`.
    """
    flags = {flag for action in get_args_parser()._actions for flag in action.option_strings}
    return [
        argument[2:]
        if re.match(r"--[\w./@]+=", argument) and argument.partition("=")[0] not in flags
        else argument
        for argument in sorted(arguments, key=lambda one: one not in MULTIRUN)
    ]


def check_arguments(arguments: Sequence[str]) -> None:
    """Check what Hydra would explain over many lines, or would take for something else.

    Raises:
        SettingError: for an override.
        UsageError: for one of Hydra's own options.
    """
    parser = get_args_parser()
    advice = f"`{program.name()} --hydra-help` lists Hydra's own options"

    def refused(message: str) -> NoReturn:
        plain = message.replace(chr(39), "") + near_flag(message)
        raise UsageError(as_settings(plain, arguments) or f"{plain}; {advice}")

    parser.error = refused
    given = parser.parse_args(list(arguments))
    if given.experimental_rerun:
        cannot = "it would run what a pickle holds; rerun=PATH does the same from results"
        raise SettingError("--experimental-rerun", given.experimental_rerun, cannot)
    for override in given.overrides:
        check_override(override)


def near_flag(message: str) -> str:
    """Return a guess at which of Hydra's options an unknown one was to be, if one is near."""
    unknown = re.search(r"unrecognized arguments: (--\w[\w-]*)", message)
    flags = [flag for action in get_args_parser()._actions for flag in action.option_strings]
    near = difflib.get_close_matches(unknown[1], [*flags, "--version"], 1, 0.7) if unknown else []
    return f" (did you mean {near[0]}?)" if near else ""


def as_settings(message: str, arguments: Sequence[str]) -> str | None:
    """Return how an unknown option is written that is one of our settings, if it is."""
    option = re.search(r"unrecognized arguments: --([\w./]+)", message)
    name = meant(option.group(1), all_settings()) if option else None
    if not (option and name) or f"--{option.group(1)}" not in arguments:
        return None
    after = arguments[arguments.index(f"--{option.group(1)}") + 1 :]
    value = after[0] if after and not after[0].startswith("-") and "=" not in after[0] else "..."
    return f"--{option.group(1)}: settings have no dashes; write {name[0]}={value}"


def as_given(overrides: Any) -> list[str]:
    """Return overrides from Hydra's own node as they were given: what they refer to stays a name.

    Args:
        overrides: such as `hydra.overrides.task`.
    """
    written: Any = OmegaConf.to_container(overrides, resolve=False)
    return [str(one) for one in written]


def module_places(arguments: Sequence[str]) -> list[str]:
    """Return where a user's own modules may be: here, as for python -m, and beside a config."""
    places = [os.getcwd()]
    if given := get_args_parser().parse_args(list(arguments)).config_dir:
        places += [os.path.abspath(given), os.path.dirname(os.path.abspath(given))]
    return places


def check_override(override: str) -> None:
    """Check that an override has a key, and that a config group has one option.

    Hydra would merge a list of them into one.

    Raises:
        SettingError: where it is otherwise.
    """
    key, equals, value = override.partition("=")
    name = key.lstrip("+").partition("@")[0]
    if not override.startswith("~") and (not equals or not name):
        raise UsageError(f"{override}: write key=value, and a list as 'key=[1,2]', in quotes")
    if name in GROUPS:
        check_option(name, value)
    for start, stop in re.findall(r"\brange\(\s*(?:(-?\d+)\s*,\s*)?(-?\d+)", value):
        if int(stop) - int(start or 0) > MOST_JOBS and value.count(",") < 2:
            raise SettingError(name, value, f"is more than {MOST_JOBS} jobs")
    if name == "callbacks" and (value in ("null", "") or value.startswith("[")):
        each = ", ".join(f"~callbacks.{one}" for one in CALLBACKS)
        raise SettingError(name, value, f"are left out one by one: {each}")
    if name == "experiment" and re.search(r"[,(]", value):
        raise SettingError(name, value, "takes one experiment; start one command for each")


def check_option(group: str, value: str) -> None:
    """Check that a config group is given one option.

    Raises:
        SettingError: where it is given a list, or nothing.
    """
    is_number = re.fullmatch(r"[\d.eE+-]*\d[\d.eE+-]*", value) is not None
    if value in ("null", "~", "") or is_number:
        allowed = f"takes one option: {', '.join(OPTIONS[group])}"
        usual = next(iter(OPTIONS[group].values())).settings
        own = [f"{group}.{name}" for name, about in usual.items() if about.axis and is_number]
        raise SettingError(group, value, allowed + (f"; or {own[0]}={value}" if own else ""))
    if value.startswith("[") and group != "logger":  # of which a run may have several
        advice = f"takes one option; for a sweep: -m {group}={value.strip('[]')}"
        if group == "importance" and re.fullmatch(r"[\[\]\d.,eE+\s-]+", value):
            advice = f"takes an option; that of each feature: {group}=explicit "
            advice += f"'{group}.values={value}'"
        raise SettingError(group, value, advice)
