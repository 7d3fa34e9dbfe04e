"""Going on with what was begun in the same directories.

What is finished stays as it is, what was interrupted goes on from its checkpoint.
"""

import hashlib
import os
import shutil
from collections.abc import Iterable, Sequence
from pathlib import Path

from sup.config.identity import difference, first_difference, instance_keys, training_key
from sup.config.rules import SettingError
from sup.config.run import Run
from sup.results.storage import settings_of
from sup.sweep import failures
from sup.training import outcome
from sup.training.checkpoints import latest
from sup.training.outcome import Outcome
from sup.training.slice import Slice
from sup.training.stack import Stack

ADVICE = "use another directory (or, in a sweep, give new values after the old ones)"
"""What to do where results stand in the way."""

SLICES = "slices"
"""Where what became of a run's slices waits for the others, in the run's directory."""


def begin(runs: Sequence[Run]) -> set[Run]:
    """Return the runs that are finished; of the others, forget why they have failed before.

    Raises:
        SettingError: where there are results of other settings, or unreadable ones.
    """
    finished = {run for run in runs if is_finished(run)}
    for directory in (run.directory for run in runs if run.directory):
        failures.forget(directory)
    for run in finished:
        if run.directory:
            shutil.rmtree(run.directory / SLICES, ignore_errors=True)
    return finished


def is_finished(run: Run) -> bool:
    """Tell whether a run's results are there already: the only place that decides it.

    Raises:
        SettingError: where there are results of other settings, or unreadable ones.
    """
    held = settings_of(run.directory) if run.directory else None
    if run.directory is None or held is None:
        check_slices(run)
        return False
    if held != run.settings and (reason := first_difference(held, run.settings)):
        raise others(run.directory, reason)
    return True


def check_slices(run: Run) -> None:
    """Check that what was trained of a run, where not all of it was, is of this run.

    Raises:
        SettingError: where it is not, or cannot be read.
    """
    paths = sorted((run.directory / SLICES).glob("*.pt")) if run.directory else []
    if not paths:  # as nearly always; a grid has tens of thousands of keys
        return
    shared, own = training_key(run.settings), instance_keys(run.settings)
    for path in paths:
        there, instances, _ = outcome.read(path)
        missing = sorted(set(instances) - set(own))
        if there != shared or missing:
            pair = (there, shared) if there != shared else (missing[0], own[0])
            raise others(path.parents[1], difference(*pair))


def others(directory: Path, reason: str) -> SettingError:
    """Return the error that a directory holds results of other settings."""
    place = os.path.relpath(directory)
    return SettingError("directory", place, f"holds results: {reason}; {ADVICE}")


def place_of(part: Slice) -> Path | None:
    """Return where what becomes of a slice is kept until all of its run is trained.

    The name says what it is of, so that slices of other settings are never taken for it.
    """
    if part.run.directory is None:
        return None
    text = "\n".join([training_key(part.run.settings), *part.keys])
    return part.run.directory / SLICES / f"{hashlib.sha1(text.encode()).hexdigest()[:16]}.pt"


def earlier_outcome(part: Slice) -> Outcome | None:
    """Return what has become of a slice that was trained before."""
    path = None if part.is_whole else place_of(part)
    return Outcome.load(path) if path and path.is_file() else None


def pieces(slices: Iterable[Slice]) -> list[tuple[Stack, Path | None]]:
    """Put slices of one stack together with those that go on from the same checkpoint.

    Args:
        slices: of runs that share all but their own settings.

    Returns:
        Stacks, each with the checkpoint that an earlier command left of its instances, or None.
    """
    groups: dict[Path | None, list[Slice]] = {}
    for part in slices:
        shared = training_key(part.run.settings)
        groups.setdefault(latest(around(part.run), shared, part.keys), []).append(part)
    return [(Stack(tuple(group)), checkpoint) for checkpoint, group in groups.items()]


def around(run: Run) -> list[Path]:
    """Return where checkpoints that hold a run can be: beside it, or above, for a stack of runs."""
    if run.directory is None:
        return []
    home = (run.home or run.directory).absolute()
    folders = (run.directory.absolute() / "-").parents
    inside = [folder for folder in folders if folder.is_relative_to(home)]
    return [folder / "checkpoints" for folder in inside]
