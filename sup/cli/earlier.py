"""Finding what `resume=true` means: the directory of the latest earlier command like this one."""

import logging
from collections.abc import Iterable
from pathlib import Path

from omegaconf import DictConfig, open_dict

from sup.cli.arguments import as_given
from sup.config.rules import SettingError
from sup.results.records import RUN, SWEEP, TASK, overrides_in

log = logging.getLogger(__name__)

DATED = "[0-9]*-[0-9]*-[0-9]*/*"
"""The directories of commands that were not told where to write."""

RECORDS = {"sweep": SWEEP, "run": RUN}
"""Where Hydra writes the overrides of a command, in its directory."""


def is_asked(overrides: Iterable[str]) -> bool:
    """Tell whether a command's overrides ask for an earlier one."""
    return any(override.lstrip("+").lower() == "resume=true" for override in overrides)


def go_on(config: DictConfig) -> None:
    """Let a sweep go on in the directory of the latest earlier one, where it asks for that.

    Args:
        config: of the sweep, which is changed.

    Raises:
        SettingError: where there is no earlier one.
    """
    if is_asked(as_given(config.hydra.overrides.task)):
        found = directory(config, "sweep")
        with open_dict(config):
            config.hydra.sweep.dir = found
            quoted = found.replace("'", "\\'")
            config.hydra.overrides.hydra.append(f"hydra.sweep.dir='{quoted}'")  # for each job


def directory(config: DictConfig, kind: str) -> str:
    """Return the directory that a command is to go on in, and say which.

    That is the latest in which something was trained, or else the latest.

    Args:
        config: of the command, with Hydra's own node.
        kind: sweep or run.

    Raises:
        SettingError: where there is none.
    """
    hydra = config.hydra
    place = Path(hydra[kind].dir)
    wanted = _command(as_given(hydra.overrides.task))
    keys = [str(one).lstrip("+").partition("=")[0] for one in as_given(hydra.overrides.hydra)]
    given = f"hydra.{kind}.dir" in keys
    # By default a date and a time, so that the latest is the last by name; `article` is none.
    near = [place] if given else sorted(place.parent.parent.glob(DATED), reverse=True)
    latest = None
    for folder in near:
        record = folder / RECORDS[kind]
        overrides = overrides_in(record, TASK)
        if overrides is not None and wanted == _command(overrides):
            latest = latest or folder
            if _was_trained_in(folder):
                latest = folder
                break
    if latest is None:
        where = place if given else place.parent.parent
        raise SettingError("resume", "true", f"no earlier {kind} of the same overrides in {where}")
    log.info("resume: %s", latest)
    return str(latest)


def _was_trained_in(folder: Path) -> bool:
    return any(next(folder.rglob(name), None) for name in ("*.ckpt", "results.nc"))


def _command(overrides: Iterable[str]) -> list[str]:
    """Return what makes two commands the same."""
    return sorted(str(one) for one in overrides if not str(one).lstrip("+").startswith("resume="))
