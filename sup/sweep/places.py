"""Where runs write: in the directory of their command, and never outside of it.

That directory may be a link, or lie behind one, as its user has chosen it. What is found in it
may be anybody's: a link there would have its target overwritten, or what lies behind it removed.
"""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from sup.config.rules import SettingError
from sup.config.run import Run
from sup.system.files import leading_out

WRITTEN = {
    *(".hydra", ".lock", ".submitit", "checkpoints", "csv", "error.txt", "figures"),
    *("multirun.yaml", "optimization_results.yaml", "results.nc", "slices", "sweep.csv"),
    *("tensorboard", "wandb"),
}
"""The names that a command writes, in the directory of a run or of a sweep."""


def check_places(runs: Sequence[Run]) -> None:
    """Check that all that runs will write lies within the directory of their command.

    Raises:
        SettingError: for the first name that leads out of it.
    """
    homes = {(run.home or run.directory): run for run in runs}
    for home in homes:
        check_within(home, written_in(home) if home else ())
    for run in runs:
        home = run.home or run.directory
        own = run.directory != home and run.directory
        check_within(home, [own, *written_in(own)] if own else ())


def check_within(home: Path | None, paths: Sequence[Path]) -> None:
    """Check that paths do not lead out of a directory.

    Raises:
        SettingError: for the first that does.
    """
    if home and (out := leading_out(home, paths)):
        place, inside = os.path.relpath(out), os.path.relpath(home)
        raise SettingError("directory", place, f"leads out of {inside}, where all is to be written")


def written_in(directory: Path) -> list[Path]:
    """Return the links among what a command writes in a directory, and in folders there."""
    return list(_links(directory, WRITTEN))


def _links(directory: Path, names: set[str] | None) -> Iterator[Path]:
    try:
        entries = list(os.scandir(directory))
    except (FileNotFoundError, NotADirectoryError):
        return
    for entry in entries:
        if names is None or entry.name in names:
            if entry.is_symlink():
                yield Path(entry.path)
            elif names is not None and entry.is_dir():
                yield from _links(Path(entry.path), None)
