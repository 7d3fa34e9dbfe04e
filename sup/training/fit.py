"""Train one stack by one `Trainer.fit`, in this process."""

import logging
import os
import signal
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import lightning.pytorch as pl
import torch
from lightning.fabric.plugins.environments.lightning import LightningEnvironment
from lightning.pytorch.callbacks import Checkpoint
from lightning.pytorch.strategies import Strategy

from sup.config.rules import SettingError, in_one_line
from sup.config.trainer import lightnings
from sup.system.memory import keep_freed_memory
from sup.training.devices import accelerator_of
from sup.training.stack import Stack

SMALL = 100_000
"""Numbers in ``[instance, feature, batch]`` of a step up to which one thread trains a stack. A
second gains nothing there, and beside other work it costs tenfold, as threads wait by spinning; and
the matrix library takes another kernel for it, whose results differ in the last bit."""


class OwnSignals(pl.Callback):
    """Keeps SIGTERM's handler, which Lightning would replace by one that ends the training as done.

    Under SLURM it would also talk to other ranks in the middle of a step.
    """

    def __init__(self) -> None:
        self.handler = signal.getsignal(signal.SIGTERM)
        self.has_started = False

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Put it back: by now Lightning has taken its place."""
        self.has_started = True
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, self.handler)


def fit(
    stack: Stack, callbacks: list[pl.Callback], checkpoint: Path | None, strategy: Any = "auto"
) -> None:
    """Train a stack.

    Args:
        stack: what is trained.
        callbacks: what happens meanwhile.
        checkpoint: what to go on from, if anything.
        strategy: Lightning's, of one of several ranks.

    Raises:
        SettingError: where the checkpoint cannot be gone on from.
    """
    keep_freed_memory()
    part = stack.settings.trainer
    # Within a cluster's job Lightning would take one process for one of as many as the job has.
    alone = [] if isinstance(strategy, Strategy) else [LightningEnvironment()]
    own = OwnSignals()
    threads = torch.get_num_threads()
    with quiet(), threads_for(stack):
        handed = lightnings(part.parameters) | {"accelerator": accelerator_of(stack.settings)}
        trainer: pl.Trainer = replace(part, parameters=handed).make(
            strategy=strategy,
            plugins=alone,
            callbacks=[*callbacks, own],
            logger=False,  # each run has its own
            # Left to itself, Lightning would add a ModelCheckpoint where there is none.
            enable_checkpointing=any(isinstance(callback, Checkpoint) for callback in callbacks),
            enable_progress_bar=False,
            enable_model_summary=False,
            max_epochs=1,
        )
        device = trainer.strategy.root_device
        # Before anything is made there: else a rank has memory on the first GPU too.
        trainer.accelerator.setup_device(device)
        module = stack.module(device, threads)
        try:
            # Without weights_only, an environment variable decides whether a pickle is run.
            trainer.fit(module, stack.data(), ckpt_path=checkpoint, weights_only=True)
        except (KeyError, IndexError, TypeError, ValueError, AttributeError, RuntimeError) as error:
            # A device or a library that fails meanwhile says nothing of the checkpoint.
            is_others = isinstance(error, RuntimeError) and "state_dict" not in str(error)
            if checkpoint is None or own.has_started or is_others:
                raise
            reason = f"cannot be gone on from: {in_one_line(error)}; remove it"
            raise SettingError("resume", os.path.relpath(checkpoint), reason) from error
        finally:
            # Else they hold each other, and keep a stack's memory until there is a collection.
            vars(trainer).clear()
            module.let_go()


@contextmanager
def threads_for(stack: Stack) -> Iterator[None]:
    """Let a small stack train on one thread, whatever the machine has."""
    before, settings = torch.get_num_threads(), stack.settings
    if stack.size * settings.n_features * settings.batch_size <= SMALL:
        torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


@contextmanager
def quiet() -> Iterator[None]:
    """Keep Lightning from talking of what is not a user's to mend."""
    loggers = [logging.getLogger(name) for name in ("lightning.pytorch", "lightning.fabric")]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.WARNING)
    try:
        with warnings.catch_warnings():
            # Lightning 2.6.6 calls what torch 2.13 deprecates.
            warnings.filterwarnings("ignore", message=".*treespec, LeafSpec.*")
            # Of a device that the settings do not name.
            warnings.filterwarnings("ignore", message=".*available but not used.*")
            yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
