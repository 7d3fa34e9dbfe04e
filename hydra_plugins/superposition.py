"""Hydra's sweeper and launcher of this project.

Hydra takes them from the namespace package `hydra_plugins` alone, so they stand here; what they do
is in `sup.cli`. This file is imported by every Hydra program in the same environment, and adds
nothing to what any of them offers: the options that name these classes are `train.py`'s own.
"""

from hydra._internal.core_plugins.basic_sweeper import BasicSweeper

from sup.cli.launcher import StackedLauncher as _StackedLauncher
from sup.cli.sweeper import CheckedSweeping as _CheckedSweeping


class StackedLauncher(_StackedLauncher):
    """Trains the jobs of a sweep in stacks."""


class CheckedSweeper(_CheckedSweeping, BasicSweeper):
    """Checks all jobs of a sweep before the first is started."""
