"""Runs that could not be trained: each says why in its own directory."""

import logging
import traceback
from pathlib import Path
from typing import Any

from sup.config.rules import in_one_line
from sup.system.files import replacing

log = logging.getLogger(__name__)

FILE = "error.txt"
"""In a failed run's directory: a line that gives the reason, then the traceback."""


class RunError(Exception):
    """A run that could not be trained.

    Args:
        name: the run's.
        reason: why, in one line.
    """

    results: Any = None
    """Those of the other runs that were trained with it, where `sup.train` raises it."""

    def __init__(self, name: str, reason: str):
        super().__init__(name, reason)  # as they are, so that it can be pickled
        self.name, self.reason = name, reason

    def __str__(self) -> str:
        return f"{self.name}: {self.reason}"


def record(directory: Path, error: BaseException | str) -> None:
    """Write down why a run failed: an error, or one line where there is no more to be known.

    The error lets go of what the functions worked on that it has ended: it may be kept for long,
    and would keep their tensors.
    """
    if isinstance(error, str):
        lines = [error]
    else:
        lines = [in_one_line(error), "", *traceback.format_exception(error)]
    try:
        directory.mkdir(parents=True, exist_ok=True)
        with replacing(directory / FILE) as unfinished:
            unfinished.write_text("\n".join(lines), encoding="utf-8")
    except OSError as failure:  # no room on the disk, say: for that reason the run may have failed
        log.warning("%s: %s", directory / FILE, in_one_line(failure))
    ended, seen = None if isinstance(error, str) else error, set()
    while ended and id(ended) not in seen:
        seen.add(id(ended))
        traceback.clear_frames(ended.__traceback__)
        ended = ended.__cause__ or ended.__context__


def forget(directory: Path) -> None:
    """Remove what an earlier attempt has left."""
    (directory / FILE).unlink(missing_ok=True)


def reason(directory: Path) -> str | None:
    """Return why a run failed; None where nothing is known of a failure."""
    file = directory / FILE
    if not file.is_file():
        return None
    lines = file.read_text(encoding="utf-8", errors="replace").splitlines()
    return lines[0] if lines else "unknown"
