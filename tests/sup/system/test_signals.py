"""A signal stops the command at whatever moment it comes."""

import os
import signal
import sys
import threading
import weakref

import pytest

from sup.system.signals import Stopped, stoppable


class Held:
    """Something that can be referred to weakly."""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_one_that_comes_in_a_weakrefs_callback(number):
    """Python drops what is raised there, so that the command would go on."""
    before = sys.unraisablehook

    def interrupted(_: object) -> None:
        os.kill(os.getpid(), number)

    with pytest.raises(Stopped) as stopped, stoppable():  # noqa: PT012 - it comes later
        held = Held()
        reference = weakref.ref(held, interrupted)
        del held
        assert reference() is None
        threading.Event().wait(60)
    assert stopped.value.code == 128 + number
    assert sys.unraisablehook is before
