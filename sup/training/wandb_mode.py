"""How a command logs to W&B: what its environment says, and whether its server takes runs."""

import logging
import netrc
import os
import tempfile
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import wandb
from wandb.sdk import wandb_setup

from sup.config.rules import SettingError, in_one_line
from sup.training.wandb_server import refusal

log = logging.getLogger(__name__)

MODES = ("online", "offline", "disabled", "shared")
"""What W&B's own environment variable may be."""

SENDING = ("online", "shared")
"""Those in which a server is told."""

VERDICT = "SUPERPOSITION_WANDB"
"""How this command logs, and for which command that was found out; for its processes, too."""

OTHERWISE = {"offline": "this command logs offline", "disabled": "this command leaves W&B out"}

SECRET = ("KEY", "TOKEN", "HEADERS")
"""Parts of the names of variables whose values are not shown."""


def mode() -> str:
    """Return W&B's mode: what the user set (`WANDB_MODE`, `wandb offline`), else by log-in.

    Raises:
        SettingError: where there is no such mode.
    """
    if given := os.environ.get("WANDB_MODE"):
        if given not in MODES:
            raise SettingError("WANDB_MODE", given, f"must be one of {', '.join(MODES)}")
        return given
    settings = own_settings()
    if settings.mode != "online":
        return settings.mode
    is_known = os.environ.get("WANDB_IDENTITY_TOKEN_FILE") or api_key()
    return "online" if is_known else "offline"


def own_settings() -> Any:
    """Return W&B's own settings: of the environment, and of its files."""
    # Without, its service waits at the end of a command to report on itself, and says if it cannot.
    os.environ.setdefault("WANDB_ERROR_REPORTING", "false")
    os.environ.setdefault("WANDB_SILENT", "true")
    if not os.environ.get("WANDB_DEBUG"):
        # Every remark of its own for a run goes past the log files of all others that are open.
        logging.getLogger("wandb").setLevel(logging.WARNING)
    if not (os.environ.get("WANDB_CACHE_DIR") or has_cache()):
        os.environ["WANDB_CACHE_DIR"] = tempfile.mkdtemp(prefix="wandb-")
    return wandb_setup.singleton().settings  # unlike `wandb.setup`, this starts no service


def has_cache() -> bool:
    """Tell whether W&B's service can write its own log where it would, or else to the screen."""
    home = os.environ.get("HOME")
    cache = os.environ.get("XDG_CACHE_HOME") or (home and f"{home}/.cache")
    if not cache:
        return False
    try:
        (place := Path(cache, "wandb")).mkdir(parents=True, exist_ok=True)
    except OSError:
        return False
    return os.access(place, os.W_OK)


def check_environment(runs: int, is_sweep: bool) -> None:
    """Check W&B's variables for a command.

    Raises:
        SettingError: for the first that W&B does not take, or that is for a single run.
    """
    for name, value in os.environ.items():
        try:
            if name.startswith("WANDB_") and name != "WANDB_MODE":
                wandb.Settings().update_from_env_vars({name: value})
        except Exception as error:  # pydantic's, or W&B's
            is_secret = any(part in name for part in SECRET)
            reason = "W&B does not take it" if is_secret else in_one_line(error)
            raise SettingError(name, "..." if is_secret else value, reason) from None
    mode()
    identity = os.environ.get("WANDB_RUN_ID")
    if runs == 1 and not is_sweep:
        return
    if trial := os.environ.get("WANDB_SWEEP_ID"):
        allowed = "W&B's agent starts one run at a time, and this command (-m) has several"
        raise SettingError("WANDB_SWEEP_ID", trial, f"{allowed}; a list is a grid: 'seed=[0,1]'")
    if identity:
        allowed = "is the id of one W&B run, and this command has several; unset it"
        raise SettingError("WANDB_RUN_ID", identity, allowed)


def server() -> str:
    """Return the address of W&B's server."""
    return os.environ.get("WANDB_BASE_URL") or own_settings().base_url


def api_key() -> str | None:
    """Return the key to log in with, where `wandb login` or the user has left one."""
    if key := os.environ.get("WANDB_API_KEY") or own_settings().api_key:
        return key
    try:
        held = netrc.netrc(os.environ.get("NETRC") or Path.home() / ".netrc")
    except (OSError, RuntimeError, netrc.NetrcParseError):
        return None
    known = held.authenticators(urlsplit(server()).hostname or "")
    return known[2] if known else None


def settle(command: str) -> None:
    """Find out, once for each command, how its runs can be logged; say so if not as asked.

    Args:
        command: what tells it from others of this process.

    Raises:
        SettingError: for a variable of the environment that cannot be.
    """
    known, _, whose = os.environ.get(VERDICT, "").partition(":")
    if known and whose == command:
        return
    os.environ[VERDICT] = f"{(chosen := mode())}:{command}"
    if chosen in SENDING:
        key, by_file = api_key(), os.environ.get("WANDB_IDENTITY_TOKEN_FILE")
        if key is None and not by_file:
            step_down(chosen, "nobody is logged in (wandb login)")
        elif reason := refusal(server(), key):
            step_down(chosen, reason)


def verdict() -> str:
    """Return how this command logs; find it out where none has."""
    if VERDICT not in os.environ:
        settle("")
    return os.environ[VERDICT].partition(":")[0]


def step_down(failed: str, reason: str) -> None:
    """Let the further runs of this command be logged offline or, if that has failed, not at all."""
    known, _, command = os.environ.get(VERDICT, "").partition(":")
    below = "offline" if failed in SENDING else "disabled"
    if known not in (below, "disabled"):
        os.environ[VERDICT] = f"{below}:{command}"
        log.warning("W&B: %s; %s", reason, OTHERWISE[below])
