"""The unit of work: trains one stack, and says what became of each of its slices.

Wherever it is done, in this process or another, on this machine or not, what it leaves in the
directories of its runs is the same: results, or the reason why there are none.
"""

import errno
import logging
import os
from collections.abc import Sequence
from pathlib import Path

import xarray as xr

from sup.config.identity import training_key
from sup.config.rules import SettingError, in_one_line
from sup.sweep import failures, resume
from sup.sweep.failures import RunError
from sup.sweep.train_stack import train_stack
from sup.system import signals
from sup.system.open_files import allow_many
from sup.system.signals import Stopped
from sup.training import checkpoints
from sup.training.devices import cuda_is_lost
from sup.training.outcome import Outcome
from sup.training.slice import Slice
from sup.training.stack import Stack

log = logging.getLogger(__name__)

Made = xr.Dataset | Outcome | RunError | None
"""What became of a slice: the results of a whole run, the outcome of a part of one, or why there is
neither. None: the results of a whole run are in its directory."""

COMMON = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EMFILE, errno.ENFILE)
"""What the system refuses to all runs alike: no space, no right to write, no more open files."""


def work(stack: Stack) -> list[Made]:
    """Train what is left of a stack, and return what became of each slice, in their order."""
    allow_many()
    made: dict[Slice, Made] = {}
    attempt(stack.slices, made)
    return [made[part] for part in stack.slices]


def elsewhere(stack: Stack) -> list[Made]:
    """Do the work in another process, which sends back no results that are in files."""
    return [None if isinstance(what, xr.Dataset) else what for what in work(stack)]


def attempt(slices: Sequence[Slice], made: dict[Slice, Made]) -> None:
    """Train what is left of some slices; where that fails, try each half.

    So a run that cannot be trained fails alone, and a stack that is larger than the estimate of
    its memory still finds room.

    Args:
        slices: of one stack.
        made: what becomes of each is put there.
    """
    left = []
    for part in slices:
        if resume.is_finished(part.run):
            made[part] = None
        elif earlier := resume.earlier_outcome(part):
            made[part] = earlier
        else:
            left.append(part)
    for stack, checkpoint in resume.pieces(left):
        try:
            train_into(made, stack, checkpoint)
            continue
        except Stopped:
            raise
        except (Exception, SystemExit) as error:  # whatever a user's code raises, or a device
            if isinstance(error, SystemExit) and signals.asked():
                raise  # submitit's, which has queued this job again
            reason = in_one_line(error)
            failed = [part for part in stack.slices if part not in made]
            halve = len(failed) > 1 and not is_common(error) and not cuda_is_lost()
            for part in () if halve else failed:
                made[part] = failure = RunError(part.run.name, reason)
                failure.__cause__ = error
                if part.run.directory:
                    failures.record(part.run.directory, error)
        signals.stop_if_asked()  # by a signal in the step that failed
        # Outside, as the exception keeps the tensors of the stack alive.
        if halve:
            log.warning("%s failed (%s); trying each half", stack.title, reason)
            middle = len(failed) // 2
            attempt(failed[:middle], made)
            attempt(failed[middle:], made)


def is_common(error: BaseException) -> bool:
    """Tell whether half a stack would fail as the whole has: no run has such an error alone."""
    return isinstance(error, SettingError) or getattr(error, "errno", None) in COMMON


def train_into(made: dict[Slice, Made], stack: Stack, checkpoint: Path | None) -> None:
    """Train a stack and keep what comes of it.

    Args:
        made: what becomes of each slice is put there.
        stack: what is trained.
        checkpoint: what an earlier command in their directory has left of it, if anything; it is
            further than the one that `resume` may name.
    """
    settings = stack.settings
    if settings.n_hidden > settings.n_features:
        log.warning(
            "n_hidden=%d exceeds n_features=%d: every feature can have a dimension of its own",
            settings.n_hidden,
            settings.n_features,
        )
    if checkpoint is None and isinstance(settings.resume, str):
        checkpoint = checkpoints.find(settings.resume, training_key(settings), stack.keys)
    if checkpoint:
        log.info("going on from %s", os.path.relpath(checkpoint))
    for part, kept in train_stack(stack, checkpoint):
        made[part] = kept
