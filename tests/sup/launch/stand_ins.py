"""What stands in for training in jobs of an engine: quick to import and to do."""

import os
import signal
import time
from pathlib import Path
from typing import Any


def note(stack: Any) -> None:
    Path(stack.home, f"done-{stack.number}").write_text(os.getcwd())


def fail(stack: Any) -> None:
    if stack.number == 1:
        raise ValueError("no such luck")
    if stack.number == 2:
        os._exit(3)
    note(stack)


def be_preempted_once(stack: Any) -> None:
    started = Path(stack.home, f"started-{stack.number}")
    if not started.exists():
        started.touch()
        os.kill(os.getpid(), signal.SIGUSR2)
    note(stack)


def sleep(stack: Any) -> None:
    Path(stack.home, "pid").write_text(str(os.getpid()))
    time.sleep(600)
