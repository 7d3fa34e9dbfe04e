"""A run: one grid of instances, and where it writes, if anywhere."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sup.config.flat import flat
from sup.config.settings import Settings


@dataclass(frozen=True, eq=False)
class Run:
    """One run: on the command line, one Hydra job.

    Args:
        settings: what is trained.
        directory: where it writes; None: nothing is written, its results are returned.
        name: its overrides, or the name that the user gave it.
        overrides: what it was made of on the command line.
        group: the sweep it belongs to; None for a run of its own.
        home: the directory that it shares with the runs of its sweep; None: its own.
        without: callbacks of its settings that are left out.
        told: the settings that loggers are told of; None: all that decide what it learns.
    """

    settings: Settings
    directory: Path | None = None
    name: str = "defaults"
    overrides: tuple[str, ...] = ()
    group: str | None = None
    home: Path | None = None
    without: tuple[str, ...] = ()
    told: Mapping[str, Any] | None = None

    @property
    def size(self) -> int:
        """The number of instances."""
        return self.settings.grid.size

    @property
    def config(self) -> Mapping[str, Any]:
        """What loggers are told of its settings, flat."""
        return flat(self.settings) if self.told is None else self.told


def sweep_name(directory: Path) -> str:
    """Name a sweep by the last two parts of its directory, which are a date and a time."""
    return "/".join(directory.absolute().parts[-2:])
