"""Train one stack with its loggers and callbacks, in this process or on several ranks."""

import logging
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import lightning.pytorch as pl
import xarray as xr
from lightning.pytorch.loggers import Logger

from sup.callbacks import Results
from sup.callbacks.base import StackCallback
from sup.config.part import Part
from sup.config.rules import SettingError
from sup.config.run import Run
from sup.sweep.keep import keep
from sup.system.stages import stage
from sup.training.fit import fit
from sup.training.loggers import forget_logged, open_loggers
from sup.training.outcome import Outcome
from sup.training.ranks import SharedBatches, on_ranks
from sup.training.slice import Slice
from sup.training.stack import Stack

log = logging.getLogger(__name__)

Kept = xr.Dataset | Outcome
"""The results of a whole run, or the outcome of a part of one."""


def train_stack(stack: Stack, checkpoint: Path | None) -> Iterator[tuple[Slice, Kept]]:
    """Train a stack; yield each of its slices, with what is kept of it.

    Args:
        stack: the runs.
        checkpoint: what to go on from, if anything.

    Raises:
        RankError: where one of several ranks has failed.
    """
    ranks = stack.settings.trainer.parameters["devices"]
    if ranks > 1:
        every = on_ranks(ranks, partial(train_rank, stack, checkpoint))
        yield from zip(stack.slices, every, strict=True)
    else:
        yield from train_and_log(stack, checkpoint)


def train_rank(stack: Stack, checkpoint: Path | None, rank: int) -> list[Kept]:
    """Train a stack as one of several ranks: rank zero logs and writes, the others neither."""
    if rank == 0:
        return [kept for _, kept in train_and_log(stack, checkpoint, SharedBatches())]
    fit(
        stack,
        [callback_of(part) for part, own in chosen(stack) if not own],
        checkpoint,
        SharedBatches(),
    )
    return []


def train_and_log(
    stack: Stack, checkpoint: Path | None, strategy: Any = "auto"
) -> Iterator[tuple[Slice, Kept]]:
    """Train a stack as the one process that logs and writes; loggers end when all is kept."""
    runs = [part.run for part in stack.slices if part.is_whole]
    if checkpoint is None:
        for run in runs:
            if run.directory:
                forget_logged(run)
    with logs_of(runs) as loggers:
        results = Results(stack, loggers)
        callbacks: list[pl.Callback] = [results]
        for part, own in chosen(stack):
            if own is None:
                callbacks.append(callback_of(part))
            elif stack.checkpoint or not own.writes:
                callbacks.append(part.make(stack, loggers))
        fit(stack, callbacks, checkpoint, strategy)
        with stage(log, "making results", len(stack.slices)) as advance:
            for part, outcome in zip(stack.slices, results.outcomes, strict=True):
                yield part, keep(part, outcome, loggers)
                advance()


@contextmanager
def logs_of(runs: Sequence[Run]) -> Iterator[dict[Run, Logger]]:
    """Open the logs of runs, as `open_loggers` does; of many, both ends take seconds."""
    logs = f"the logs of {len(runs)} run{'s' * (len(runs) > 1)}"
    with ExitStack() as closing:
        with stage(log, f"opening {logs}", level=logging.DEBUG):
            loggers = closing.enter_context(open_loggers(runs))
        yield loggers
        with stage(log, f"closing {logs}", level=logging.DEBUG):
            closing.close()


def callback_of(part: Part) -> pl.Callback:
    """Make a callback that is none of a stack.

    Raises:
        SettingError: where it is no callback.
    """
    made = part.make()
    if not isinstance(made, pl.Callback):
        raise SettingError("callbacks", part.path, "makes no callback of Lightning's")
    return made


def chosen(stack: Stack) -> list[tuple[Any, type[StackCallback] | None]]:
    """Return the callbacks that the settings name, each with its class if it is one of a stack."""
    named, without = stack.settings.callbacks, stack.slices[0].run.without
    parts = [part for name, part in named.items() if part and name not in without]
    kinds = [(part, part.locate()) for part in parts]
    return [
        (part, kind if isinstance(kind, type) and issubclass(kind, StackCallback) else None)
        for part, kind in kinds
    ]
