"""What tests want to know of a command, and on what it runs."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import pytest


@dataclass
class Outcome:
    """How a command ended."""

    status: int
    out: str
    error: str


def hide_gpus(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have a test, and the processes that it starts, train on the CPU, whatever the machine has.

    What is written to one device must be found on it, and losses be the same to the last bit.
    """
    import torch  # not before `conftest` has set its threads

    if torch.cuda.is_available():
        torch.cuda.init()  # reads the variable: tests on a GPU may follow in this process
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 0)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")


@contextmanager
def silent_afterwards() -> Iterator[None]:
    """Let a command in this process say what it does, and what follows it be silent again."""
    from sup.system import stages

    ours = logging.getLogger("sup")
    before = (ours.handlers[:], ours.level, ours.propagate)
    try:
        yield
    finally:
        ours.handlers[:], ours.level, ours.propagate = before
        stages.show(None)
