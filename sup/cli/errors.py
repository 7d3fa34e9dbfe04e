"""What a user reads when a command cannot be carried out: one line, exit status 1."""

import difflib
import os
import re
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager

from hydra.errors import HydraException, OverrideParseException
from omegaconf.errors import OmegaConfBaseException
from yaml import YAMLError

from sup.cli.arguments import UsageError
from sup.config.options import OPTIONS
from sup.config.rules import SettingError, meant
from sup.config.settings import all_settings

EXTRAS = {"hydra/sweeper=optuna": "optuna"}
"""Options that exist where an extra is installed, with its name."""

_ADVICE = ("full_key:", "reference_type=", "object_type=", "Config search path:", "provider=")

_USERS_OWN = ("Config group override must be", "No trials are completed yet")
"""How the ValueErrors of Hydra, and of Optuna where all trials failed, begin."""


def one_line(error: Exception) -> str:
    """Return an error's message in one line.

    Hydra's own messages name the key and what is allowed, but over several lines.
    """
    lines = [line.strip() for line in str(error).splitlines()]
    text = " ".join(line for line in lines if line and not line.startswith(_ADVICE))
    if match := re.search(r"Could not find '(\S+)/(\S+)'.*Available options in '.*?': (.*)", text):
        group, option, options = match.groups()
        near = difflib.get_close_matches(option.lower(), options.split(), n=1)
        guess = f"did you mean {near[0]}? " if near else ""
        text = f"{group}={option}: no such option; {guess}allowed: {', '.join(options.split())}"
        if extra := EXTRAS.get(f"{group}={option}"):
            install = f"pip install -c constraints.txt -e '.[{extra}]'"
            text = f"{group}={option}: needs an extra: {install}"
    elif match := re.match(r"Could not override '(\S+)'", text):
        key = match.group(1)
        near = meant(key, all_settings())
        guess = f"did you mean {near[0]}? " if near else ""
        if near == [key]:
            group = "experiment" if key == "resolution" else key.partition(".")[0]
            having = [f"{group}={name}" for name in options_with(group, key)]
            others = f"; it is of {', '.join(having)}" if having else ""
            guess = f"the chosen {group} has none{others}; "
        value = re.search(rf"\+({re.escape(key)}=\S*)", text)
        shown = value.group(1) if value else key
        text = f"{shown}: no such setting here; {guess}`python train.py --help` lists them"
    elif isinstance(error, OverrideParseException):
        text = f"{error.override}: {unread(str(error.override))}"
        if not error.override.isascii():
            text += ", and a word with letters beyond ASCII in two: 'name=\"Jürgen\"'"
    elif match := re.search(r"Ambiguous value for argument '([^=]*)=(.*?)' 1\.", text):
        text = several_values(*match.groups())
    elif key := re.search(r"^\s*full_key: (\S+)", str(error), re.M):
        text = f"{key.group(1)}: {text}"
    return f"error: {' '.join(text.split())}"


def unread(override: str) -> str:
    """Return what is wrong with an override that Hydra cannot read."""
    for opening, closing in ("[]", "{}", "()"):
        surplus = override.count(opening) - override.count(closing)
        if surplus:
            one, other = (opening, "closed") if surplus > 0 else (closing, "opened")
            return f"has a {one} that is not {other}"
    return "cannot be read; write key=value, a list in quotes, 'key=[1,2]'"


def several_values(key: str, values: str) -> str:
    """Return what to write instead of several values without -m."""
    about = all_settings().get(key)
    grid = f"'{key}=[{values}]' for a grid in one run, or " if about and about.axis else ""
    if about and not about.axis and about.rule.admits(values.split(",")):
        grid = f"'{key}=[{values}]' for all of them, or "
    return f"{key}={values}: has several values; write {grid}-m {key}={values} for a sweep"


def options_with(group: str, key: str) -> list[str]:
    """Return the options of a group that have a setting."""
    name = key.rpartition(".")[2]
    return [option for option, about in OPTIONS.get(group, {}).items() if name in about.settings]


USERS = (SettingError, UsageError, HydraException, OmegaConfBaseException, YAMLError)
"""What is raised where a user can mend it, in an argument or a file."""


class _State:
    wants_traceback = False


def shown_in_full(error: BaseException) -> None:
    """Print an error's traceback where the user has asked for it by HYDRA_FULL_ERROR=1."""
    if _State.wants_traceback:
        traceback.print_exception(error)


@contextmanager
def reported() -> Iterator[None]:
    """Turn the errors that a user can make into one line and exit status 1.

    HYDRA_FULL_ERROR=1, Hydra's own switch, gives the traceback instead.
    """
    _State.wants_traceback = os.environ.get("HYDRA_FULL_ERROR") == "1"
    os.environ["HYDRA_FULL_ERROR"] = "1"  # so that errors arrive here as they are
    try:
        yield
    except KeyboardInterrupt as stop:
        shown_in_full(stop)
        print("stopped", file=sys.stderr)
        raise SystemExit(130) from None
    except (*USERS, OSError) as error:
        shown_in_full(error)
        raise SystemExit(one_line(error)) from error
    except ValueError as error:
        if not str(error).startswith(_USERS_OWN):
            raise
        shown_in_full(error)
        raise SystemExit(one_line(error)) from error
