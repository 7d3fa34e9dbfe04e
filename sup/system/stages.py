"""What is being done just now, where it takes seconds: a record of a logger, and a line that goes.

A log has one line for each stage. On a terminal a command shows a stage while it lasts, with the
time that is left where it can be told; a library says nothing of itself.
"""

import logging
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

Display = Callable[[str, int | None], AbstractContextManager[Callable[[], None]]]
"""Shows a stage of so many parts, if that is known, and is told of each part that is done."""


class _State:
    display: Display | None = None
    is_shown = False


def show(display: Display | None) -> None:
    """Show stages in this process by a display, or no longer."""
    _State.display = display


@contextmanager
def stage(
    log: logging.Logger, what: str, parts: int | None = None, level: int = logging.INFO
) -> Iterator[Callable[[], None]]:
    """Say what is being done, and let it be known when each of its parts is done.

    Args:
        log: hears of it, unless it is shown.
        what: in words, such as "drawing figures".
        parts: how many it has, if that is known.
        level: DEBUG for what is not worth a line of a log.
    """
    if _State.display is None or _State.is_shown:
        log.log(level, "%s ...", what)
        yield _nothing
        return
    _State.is_shown = True
    try:
        with _State.display(what, parts) as advance:
            yield advance
    finally:
        _State.is_shown = False


def _nothing() -> None:
    """Do nothing: nobody looks."""
