"""What all placements have in common: how they are called, and with what."""

import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from sup.config.rules import SettingError
from sup.system import messages

Stack = Any
"""A stack is handed on here, never looked at; importing its class would import torch."""

Work = Callable[[Stack], Any]
"""Trains one stack and returns what became of it; picklable, so a function of a module."""

SHARE = 0.8
"""Of a device's memory, what stacks may take if nothing else is said."""


@dataclass(frozen=True)
class Lost:
    """Work that did not come to its end.

    Args:
        reason: why, in one line.
    """

    reason: str


@runtime_checkable
class Placement(Protocol):
    """Has stacks trained somewhere."""

    at_once: int
    """Into how many stacks runs are put at least, as so many are trained side by side."""

    is_here: bool
    """Whether that is in this process."""

    def memory(self, settings: Any) -> float:
        """Return how many bytes a stack of some settings may take, infinity if it is not known."""
        ...

    def __call__(self, stacks: Sequence[Stack], work: Work) -> list[Any]:
        """Do `work` on each stack, and return when all is done.

        Returns:
            For each stack what the work returned, or how it was `Lost`.
        """
        ...


@dataclass
class Unit:
    """The work on one stack, as a job of its own.

    Args:
        work: what is to be done.
        stack: on which stack.
        directory: the working directory of the command, for relative paths in the settings.
        threads: how many CPUs the engine gives to the job; None: it does not say.
    """

    work: Work
    stack: Stack
    directory: str
    threads: int | None = None

    def __call__(self) -> Any:
        """Do the work, in whatever process the engine has started for it."""
        messages.show()
        os.chdir(self.directory)
        if self.threads is not None and "OMP_NUM_THREADS" not in os.environ:
            import torch

            torch.set_num_threads(self.threads)
        return self.work(self.stack)


def import_path() -> str:
    """Return the PYTHONPATH with which a job finds `sup`, and a user's modules beside train.py.

    Those are what this process finds outside of Python's own installation.
    """
    installed = tuple({os.path.join(prefix, "") for prefix in (sys.prefix, sys.base_prefix)})
    paths = [os.path.abspath(path) for path in sys.path if not path or os.path.isdir(path)]
    own = [path for path in paths if not path.startswith(installed)]
    return os.pathsep.join(dict.fromkeys([*own, str(Path(__file__).absolute().parents[2])]))


def require(package: str, extra: str) -> None:
    """Check that an engine is installed.

    Raises:
        SettingError: where it is not.
    """
    if find_spec(package) is None:
        install = f"pip install -c constraints.txt -e '.[{extra}]'"
        raise SettingError("hydra/launcher", extra, f"needs {package}, an extra: {install}")


def last_line(trace: str) -> str:
    """Return what a traceback ends with: the exception and its message."""
    return next((line.strip() for line in reversed(trace.splitlines()) if line.strip()), "")


def counted(stacks: Sequence[Stack]) -> str:
    """Return how many stacks these are, in words."""
    return f"{len(stacks)} stack{'s' * (len(stacks) > 1)}"
