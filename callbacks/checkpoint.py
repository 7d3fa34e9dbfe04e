"""Write the checkpoint from which a stack can be resumed."""

import os
import time

import lightning.pytorch as pl
from lightning.pytorch.callbacks import Checkpoint
from lightning.pytorch.loggers import Logger

from callbacks.base import StackCallback
from sup.module import SuperpositionModule
from sup.run import Run
from sup.stack import Stack


class StackCheckpoint(StackCallback, Checkpoint):
    """Writes one checkpoint for the stack, over and over the same file, and when training ends.

    Lightning's ModelCheckpoint saves by time only under automatic optimisation (2.6.6).

    Args:
        stack: whose checkpoint it is.
        loggers: where its runs log.
        minutes: between two checkpoints; 0 writes one after every chunk of steps.
    """

    def __init__(self, stack: Stack, loggers: dict[Run, Logger], minutes: int | float):
        super().__init__(stack, loggers)
        self.path = stack.checkpoint
        self.seconds = 60 * minutes

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Start the clock."""
        self.saved = time.monotonic()

    def after_chunk(self, trainer: pl.Trainer, module: SuperpositionModule) -> None:
        """Write a checkpoint where the time has come."""
        due = time.monotonic() - self.saved >= self.seconds
        if due or module.step == module.measured[-1]:
            trainer.save_checkpoint(self.path)
            self.saved = time.monotonic()

    def on_exception(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, exception: BaseException
    ) -> None:
        """Say where to go on from: the steps since the last checkpoint are lost."""
        if self.path.exists():
            print(f"stopped; to go on, repeat the command with resume={os.path.relpath(self.path)}")
        else:
            print("stopped before the first checkpoint")
