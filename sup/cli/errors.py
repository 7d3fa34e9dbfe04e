"""What a user reads when a command cannot be carried out: one line, exit status 1."""

import difflib
import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from hydra.errors import HydraException
from omegaconf.errors import OmegaConfBaseException

from sup.config.rules import SettingError
from sup.config.settings import all_settings

EXTRAS = {"hydra/sweeper=optuna": "optuna"}
"""Options that exist where an extra is installed, with its name."""

_ADVICE = ("full_key:", "object_type=", "Config search path:", "provider=")

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
        text = f"{group}={option}: no such option; allowed: {', '.join(options.split())}"
        if extra := EXTRAS.get(f"{group}={option}"):
            install = f"pip install -c constraints.txt -e '.[{extra}]'"
            text = f"{group}={option}: needs an extra: {install}"
    elif match := re.match(r"Could not override '(\S+)'", text):
        key = match.group(1)
        known = list(all_settings())
        near = [name for name in known if name.endswith(f".{key}")]
        near = near or difflib.get_close_matches(key, known, n=1)
        guess = f"did you mean {near[0]}? " if near else ""
        if near == [key]:
            group = "experiment" if key == "resolution" else key.partition(".")[0]
            guess = f"the chosen {group} has none; "
        value = re.search(rf"\+({re.escape(key)}=\S*)", text)
        shown = value.group(1) if value else key
        text = f"{shown}: no such setting here; {guess}`python train.py --help` lists them"
    return f"error: {text}"


@contextmanager
def reported() -> Iterator[None]:
    """Turn the errors that a user can make into one line and exit status 1.

    HYDRA_FULL_ERROR=1, Hydra's own switch, gives the traceback instead.
    """
    wants_traceback = os.environ.get("HYDRA_FULL_ERROR") == "1"
    os.environ["HYDRA_FULL_ERROR"] = "1"  # so that errors arrive here as they are
    try:
        yield
    except KeyboardInterrupt:
        if wants_traceback:
            raise
        print("stopped", file=sys.stderr)
        raise SystemExit(130) from None
    except (SettingError, HydraException, OmegaConfBaseException, OSError) as error:
        if wants_traceback:
            raise
        raise SystemExit(one_line(error)) from error
    except ValueError as error:
        if wants_traceback or not str(error).startswith(_USERS_OWN):
            raise
        raise SystemExit(one_line(error)) from error
