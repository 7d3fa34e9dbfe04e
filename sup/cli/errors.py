"""What a user reads when a command cannot be carried out: one line, exit status 1."""

import difflib
import os
import re
import sys
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from hydra.conf import HydraConf
from hydra.errors import HydraException, OverrideParseException
from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException
from yaml import YAMLError

from sup.cli import program
from sup.cli.arguments import UsageError
from sup.config.options import CALLBACKS, OPTIONS
from sup.config.rules import ANYTHING, SettingError, meant
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
        text = no_option(match[1], match[2], match[3].split())
    elif match := re.search(r"Could not load '(\w+)/(\S+)'", text):  # one of a list
        text = no_option(match[1], match[2], sorted(OPTIONS.get(match[1], ())))
    elif match := re.match(r"Could not override '(\S+)'", text):
        value = re.search(rf"\+({re.escape(match[1])}=\S*)", text)
        text = no_setting(match[1], value[1] if value else match[1])
    elif match := re.match(r"Could not delete from config\. '(\S+)' does not exist", text):
        text = no_setting(match[1], f"~{match[1]}")
    elif isinstance(error, OverrideParseException):
        text = f"{error.override}: {unread(str(error.override))}"
        if not error.override.isascii():
            text += ", and a word with letters beyond ASCII in two: 'name=\"Jürgen\"'"
    elif match := re.search(r"Ambiguous value for argument '([^=]*)=(.*?)' 1\.", text):
        text = several_values(*match.groups())
    elif key := re.search(r"^\s*full_key: (\S+)", str(error), re.M):
        text = f"{key.group(1)}: {text}"
    return f"error: {' '.join(text.split())}"


def no_option(group: str, option: str, options: Sequence[str]) -> str:
    """Return that a group has no such option, and which it has."""
    if extra := EXTRAS.get(f"{group}={option}"):
        install = f"pip install -c constraints.txt -e '.[{extra}]'"
        return f"{group}={option}: needs an extra: {install}"
    others = [known.partition("=")[2] for known in EXTRAS if known.startswith(f"{group}=")]
    near = difflib.get_close_matches(option.lower(), [*options, *others], n=1)
    guess = f"did you mean {near[0]}? " if near else ""
    return f"{group}={option}: no such option; {guess}allowed: {', '.join(options)}"


def no_setting(key: str, written: str) -> str:
    """Return that there is no such setting here, with the one that may have been meant.

    Args:
        key: of the setting.
        written: as it was, with its value.
    """
    known = [*all_settings(), *(f"callbacks.{name}" for name in CALLBACKS)]
    if key.startswith("hydra."):
        known = [one for one in hydras_settings() if one.count(".") == key.count(".")]
    near = meant(key, known)
    guess = f"did you mean {near[0]}? " if near else ""
    if near == [key]:
        group = "experiment" if key == "resolution" else key.partition(".")[0]
        having = [f"{group}={name}" for name in options_with(group, key)]
        others = f"; it is of {', '.join(having)}" if having else ""
        guess = f"the chosen {group} has none{others}; "
    return f"{written}: no such setting here; {guess}`{program.name()} --help all` lists them"


def hydras_settings() -> list[str]:
    """Return the keys of Hydra's own settings, those of the options of its groups left out."""
    own: Any = OmegaConf.to_container(OmegaConf.structured(HydraConf), resolve=False)

    def below(node: Any, above: str) -> Iterator[str]:
        for name, value in node.items():
            if isinstance(value, dict):
                yield from below(value, f"{above}{name}.")
            else:
                yield f"{above}{name}"

    return list(below(own, "hydra."))


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
    is_list = about and not about.axis and about.rule is not ANYTHING
    if about and is_list and about.rule.admits(values.split(",")):
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
