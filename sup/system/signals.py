"""Ctrl-C and SIGTERM: training stops between two steps, where a checkpoint can be written.

Signals belong to the whole process, and so does the state here.
"""

import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from types import FrameType
from typing import Any

DEFAULT = {signal.SIGINT: signal.default_int_handler, signal.SIGTERM: signal.SIG_DFL}
"""The signals that are taken, where nobody else has: a cluster's job has handlers of its own."""


SOON = 0.01
"""Seconds until a signal that came to nothing is sent again."""


class Stopped(SystemExit):
    """A signal has stopped the command; its exit status is the one that shells expect."""

    def __init__(self, number: int):
        super().__init__(128 + number)


class _State:
    deferring = False
    received: int | None = None


_state = _State()


def _receive(number: int, frame: FrameType | None) -> None:
    if _state.received is not None:
        raise KeyboardInterrupt
    _state.received = number
    if not _state.deferring:
        raise Stopped(number)


def _once_more(otherwise: Callable[[Any], Any], unraisable: Any) -> None:
    """Send a signal again whose `Stopped` Python has dropped, as it does in a weakref's callback.

    From another thread, and a moment later: in here it would be dropped as well.
    """
    if isinstance(unraisable.exc_value, Stopped) and _state.received is not None:
        number, _state.received = _state.received, None
        again = threading.Timer(SOON, os.kill, (os.getpid(), number))
        again.daemon = True
        again.start()
    else:
        otherwise(unraisable)


@contextmanager
def stoppable() -> Iterator[None]:
    """Turn Ctrl-C and SIGTERM into `Stopped`, in the main thread and where they are not taken."""
    before: dict[signal.Signals, Any] = {}
    if threading.current_thread() is threading.main_thread():
        before = {number: signal.getsignal(number) for number in DEFAULT}
    taken = [number for number, handler in before.items() if handler == DEFAULT[number]]
    for number in taken:
        signal.signal(number, _receive)
    _state.received, _state.deferring = None, False
    hook = sys.unraisablehook
    if taken:
        sys.unraisablehook = partial(_once_more, hook)
    try:
        yield
    finally:
        sys.unraisablehook = hook
        _state.deferring = False
        for number in taken:
            signal.signal(number, before[number])


def defer() -> None:
    """Only note a first signal, for `stop_if_asked`; a second one stops at once."""
    _state.deferring = True


def note(number: int) -> None:
    """Take note of a signal that somebody else has handled, and will end this process for."""
    _state.received = number


def asked() -> bool:
    """Tell whether a signal asks for the end."""
    return _state.received is not None


def stop_if_asked() -> None:
    """Stop here where a signal has asked for it, and from now on where the next one does.

    Raises:
        Stopped: where one has.
    """
    _state.deferring = False
    if _state.received is not None:
        raise Stopped(_state.received)
