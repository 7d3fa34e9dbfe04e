"""Runs that could not be trained: each says why in its own directory."""

import traceback
from pathlib import Path

from sup.config.settings import SettingError
from sup.system.files import replacing

FILE = "error.txt"
"""In a failed run's directory: a line that gives the reason, then the traceback."""


def in_one_line(error: BaseException) -> str:
    """Return an error's kind and message in one line."""
    message = " ".join(str(error).split())[:300]
    if isinstance(error, SettingError):
        return message
    return f"{type(error).__name__}: {message}" if message else type(error).__name__


def record(directory: Path, error: BaseException | str) -> None:
    """Write down why a run failed: an error, or one line where there is no more to be known."""
    if isinstance(error, str):
        lines = [error]
    else:
        lines = [in_one_line(error), "", *traceback.format_exception(error)]
    directory.mkdir(parents=True, exist_ok=True)
    with replacing(directory / FILE) as unfinished:
        unfinished.write_text("\n".join(lines))


def forget(directory: Path) -> None:
    """Remove what an earlier attempt has left."""
    (directory / FILE).unlink(missing_ok=True)


def reason(directory: Path) -> str | None:
    """Return why a run failed; None where nothing is known of a failure."""
    file = directory / FILE
    return file.read_text().splitlines()[0] if file.is_file() else None
