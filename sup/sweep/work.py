"""The unit of work: trains one stack, here, and leaves everything in its runs' directories.

Wherever it is done, on this machine or another, what it leaves is the same: results for each run
that was trained, the reason for each that could not be.
"""

import errno
import functools
import logging
import os
import sys
import warnings
from pathlib import Path
from typing import Any

import lightning.pytorch as pl
from hydra.utils import instantiate
from lightning.pytorch.callbacks import Checkpoint

from sup.config.run import Run
from sup.config.settings import SettingError
from sup.figures import draw
from sup.results.storage import FILE
from sup.sweep import failures
from sup.sweep import resume as restart
from sup.sweep.cutting import put_together
from sup.sweep.memory import GIB, allowed, keep_freed_memory, needed
from sup.sweep.splitting import fitting, parts_by_whole
from sup.system import signals as interruption
from sup.system.limits import allow_many, most_runs
from sup.system.signals import Stopped
from sup.training import checkpoints
from sup.training.ddp import StackedDDPStrategy
from sup.training.loggers import forget_offline, open_loggers
from sup.training.stack import Stack, training_settings

COMMON = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EMFILE, errno.ENFILE)
"""What the system refuses to all runs alike: no space, no right to write, no more open files."""


def work(stack: Stack) -> None:
    """Train the runs of a stack, in several stacks where it is too large for the device."""
    quiet()
    allow_many()
    most = allowed(stack)
    stacks = fitting(stack.runs, lambda one: needed(one) <= most and len(one.runs) <= most_runs())
    if len(stacks) > 1:
        limit = (
            f"would take {needed(stack) / GIB:.2g} GiB of memory, {most / GIB:.2g} are allowed"
            if needed(stack) > most
            else f"no more than {most_runs()} runs can have their logs open (ulimit -Hn)"
        )
        print(f"{stack.title}: {limit}; trained in {len(stacks)} stacks")
    if (largest := max(map(needed, stacks))) > most:
        print(
            f"warning: one instance would take {largest / GIB:.2g} GiB of memory, "
            f"{most / GIB:.2g} are allowed",
            file=sys.stderr,
        )
    for one in stacks:
        attempt(one)
    finish(stacks, stack.runs)


def finish(stacks: list[Stack], runs: tuple[Run, ...]) -> None:
    """Put runs that were cut together again, where all their parts were trained."""
    for parts in parts_by_whole(stacks, runs):
        whole = parts[0].whole
        assert whole is not None
        reasons = [failures.reason(part.directory) for part in parts]
        if all((part.directory / FILE).is_file() for part in parts):
            put_together(parts)
        elif known := [reason for reason in reasons if reason]:
            failures.record(whole.directory, known[0])
    finished = [run for run in runs if run.whole is None and (run.directory / FILE).is_file()]
    for number, run in enumerate(finished):
        try:
            draw(run.directory)
        except Stopped:
            print(f"stopped; figures of {number} of {len(finished)} runs are drawn")
            raise
        except Exception as error:  # the results are complete without them
            reason = failures.in_one_line(error)
            print(f"warning: figures of {run.name}: {reason}", file=sys.stderr)


def attempt(stack: Stack) -> None:
    """Train what is left of a stack; where that fails, try its halves.

    So a run that cannot be trained fails alone, and a stack that is larger than the estimate of
    its memory still finds room.
    """
    left = [run for run in stack.runs if not restart.is_finished(run.directory, run.config)]
    for piece, checkpoint in restart.pieces(left):
        try:
            train_stack(piece, checkpoint)
            continue
        except Stopped:
            raise
        except (Exception, SystemExit) as error:  # whatever a user's code raises, or a device
            reason = failures.in_one_line(error)
            failed = [run for run in piece.runs if not (run.directory / FILE).is_file()]
            halve = len(failed) > 1 and not is_common(error)
            if not halve:
                for run in failed:
                    failures.record(run.directory, error)
        interruption.stop_if_asked()  # by a signal in the step that failed
        # Outside, as the exception keeps the tensors of the stack alive.
        if halve:
            print(f"{piece.title} failed ({reason}); trying each half", file=sys.stderr)
            middle = len(failed) // 2
            for half in (failed[:middle], failed[middle:]):
                attempt(Stack(tuple(half)))


def is_common(error: BaseException) -> bool:
    """Tell whether half a stack would fail as the whole has: no run has such an error alone."""
    return isinstance(error, SettingError) or getattr(error, "errno", None) in COMMON


def train_stack(stack: Stack, checkpoint: Path | None) -> None:
    """Train the runs of one stack; its callbacks write and log their results.

    Args:
        stack: the runs.
        checkpoint: what an earlier command in their directory has left of them, if anything; it is
            further than the one that `resume` may name.
    """
    config = stack.config
    if config.n_hidden > config.n_features:
        print(
            f"warning: n_hidden={config.n_hidden} exceeds n_features={config.n_features}: "
            "every feature can have a dimension of its own",
            file=sys.stderr,
        )
    if checkpoint is None and isinstance(config.resume, str):
        checkpoint = checkpoints.find(config.resume, training_settings(config), stack.instances)
    if checkpoint:
        print(f"going on from {os.path.relpath(checkpoint)}")
    else:
        for run in stack.runs:
            forget_offline(run.directory)
    with open_loggers(stack.runs) as loggers:
        fit(make_trainer(stack, make_callbacks(stack, loggers)), stack, checkpoint)


def quiet() -> None:
    """Keep Lightning from talking, and the system from taking back memory again and again."""
    logging.getLogger("lightning.pytorch").setLevel(logging.WARNING)
    keep_freed_memory()


def make_trainer(stack: Stack, callbacks: list[pl.Callback], **settings: Any) -> pl.Trainer:
    """Instantiate the config's trainer.

    Args:
        stack: what will be trained.
        callbacks: for the trainer.
        settings: further ones, on top of the config's.
    """
    return instantiate(
        stack.config.trainer,
        callbacks=callbacks,
        logger=False,  # each run has its own
        # Left to itself, Lightning would add a ModelCheckpoint where the config has none.
        enable_checkpointing=any(isinstance(callback, Checkpoint) for callback in callbacks),
        enable_progress_bar=False,
        enable_model_summary=False,
        max_epochs=1,
        **settings,
    )


def fit(trainer: pl.Trainer, stack: Stack, checkpoint: Path | None) -> None:
    """Train a stack, from a checkpoint on if there is one."""
    if isinstance(trainer.strategy, StackedDDPStrategy):
        trainer.strategy.work = (stack, checkpoint)
    with warnings.catch_warnings():
        # Lightning 2.6.6 calls what torch 2.13 deprecates; nothing that a user could mend.
        warnings.filterwarnings("ignore", message=".*treespec, LeafSpec.*")
        trainer.fit(stack.module(trainer.strategy.root_device), stack.data(), ckpt_path=checkpoint)


def make_callbacks(stack: Stack, loggers: dict) -> list[pl.Callback]:
    """Instantiate the config's callbacks; a partial one is given the stack and its loggers."""
    callbacks = [instantiate(node) for node in stack.config.callbacks.values() if node is not None]
    return [
        callback(stack=stack, loggers=loggers)
        if isinstance(callback, functools.partial)
        else callback
        for callback in callbacks
    ]
