"""Processes that end with the one that started them, and how a process has ended."""

import multiprocessing
import os
import pickle
import signal
import threading
from multiprocessing.connection import wait
from typing import Any

from sup.system.garbage import kept


def serve(pickled: bytes, connection: Any) -> None:
    """Do what another process asks of this one, which it has started to do nothing else.

    Args:
        pickled: a function and its arguments. What they import is not in this module, so that it
            is imported only here.
        connection: to that process; the function's last argument.
    """
    with kept():
        function, *arguments = pickle.loads(pickled)
    function(*arguments, connection)


def end_with_parent() -> None:
    """Have this process, which `multiprocessing` has started, end as soon as its parent does."""
    parent: Any = multiprocessing.parent_process()

    def watch() -> None:
        wait([parent.sentinel])
        os._exit(1)  # at any moment, as if killed: what stands under a file's name is whole

    threading.Thread(target=watch, daemon=True, name="lifeline").start()


def how_it_ended(status: int | None) -> str:
    """Say how a process has ended, by its exit status."""
    if status is not None and status < 0:
        return f"was killed by {signal.Signals(-status).name}"
    return f"ended with status {status}"


def cores() -> int:
    """Return how many processors this process may use."""
    if hasattr(os, "sched_getaffinity"):  # not on macOS
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
