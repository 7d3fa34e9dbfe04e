"""Processes that end with the one that started them, whatever became of it."""

import fcntl
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from tempfile import NamedTemporaryFile
from typing import Any


def end_after(other_ends: Callable[[], Any]) -> None:
    """End this process, from a thread, as soon as another has ended.

    Args:
        other_ends: returns when it has.
    """

    def watch() -> None:
        other_ends()
        os._exit(1)  # at any moment, as if killed: what stands under a file's name is whole

    threading.Thread(target=watch, daemon=True, name="lifeline").start()


@contextmanager
def held() -> Iterator[str]:
    """Hold a file locked, and give its path.

    The system lets go of it when this process ends, in whatever way; a process in between, which
    neither hands on a pipe nor ends by itself, plays no part.
    """
    with NamedTemporaryFile(prefix="superposition-") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield file.name


def let_go(path: str) -> None:
    """Return when a file that another process has `held` is held no longer."""
    with suppress(FileNotFoundError), open(path) as file:
        fcntl.flock(file, fcntl.LOCK_SH)
