"""A rank other than zero of `trainer=ddp`: trains what it is handed; it neither writes nor logs."""

import functools
import os
import pickle
import signal
import sys
import traceback
from pathlib import Path
from typing import Any

from sup.system.lifeline import end_after


def main() -> None:
    """Train what rank zero hands over, and end when it ends."""
    # The terminal and the system send signals to all ranks; rank zero decides what they mean.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: None)
    from sup.training.ddp import COLLATERAL
    from sup.training.sharing import RankError

    status = 0
    try:
        task = pickle.load(sys.stdin.buffer)
        end_after(standard_input_ends)
        follow(task)
    except BaseException as error:
        status = COLLATERAL if isinstance(error, RankError) else 1
        traceback.print_exc()
        print(one_line(error), file=sys.stderr, flush=True)
    # Nothing that libraries do at the end is of use, and it could fail.
    os._exit(status)


def standard_input_ends() -> None:
    """Return when rank zero has let go of this process's standard input, as the dead do."""
    while os.read(0, 1):
        pass


def follow(task: Any) -> None:
    """Train a stack as one rank of several.

    Callbacks that are made for the stack and its loggers write and log: they are rank zero's. Any
    others, a user's own, are everyone's: they may stop the training.
    """
    from hydra.utils import instantiate

    from sup.sweep.work import fit, make_trainer, quiet

    quiet()
    made = [instantiate(node) for node in task.stack.config.callbacks.values() if node is not None]
    callbacks = [one for one in made if not isinstance(one, functools.partial)]
    own = {"rank": task.rank, "port": task.port}
    fit(make_trainer(task.stack, callbacks, strategy=own), task.stack, task.checkpoint)


def one_line(error: BaseException) -> str:
    """Return an error's kind and message, and where it was raised, in one line."""
    text = " ".join(f"{type(error).__name__}: {error}".split())[:300]
    *_, frame = traceback.extract_tb(error.__traceback__)
    return f"{text} ({Path(frame.filename).name}, line {frame.lineno})"
