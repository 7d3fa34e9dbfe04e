"""Write the checkpoint from which a stack can be resumed."""

import logging
import os
import time

import lightning.pytorch as pl
from lightning.pytorch.callbacks import Checkpoint
from lightning.pytorch.loggers import Logger

from sup.callbacks.base import StackCallback
from sup.config.run import Run
from sup.system.files import replacing
from sup.system.signals import Stopped
from sup.training.module import SuperpositionModule
from sup.training.stack import Stack

log = logging.getLogger(__name__)


class StackCheckpoint(StackCallback, Checkpoint):
    """Writes one checkpoint for the stack, over and over the same file, and when training ends.

    Lightning's ModelCheckpoint saves by time only under automatic optimisation (2.6.6).

    Args:
        stack: whose checkpoint it is.
        loggers: where its runs log.
        minutes: between two checkpoints; 0 writes one after every chunk of steps.
    """

    writes = True

    def __init__(self, stack: Stack, loggers: dict[Run, Logger], minutes: int | float):
        super().__init__(stack, loggers)
        assert stack.checkpoint is not None
        self.path = stack.checkpoint
        self.seconds = 60 * minutes

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Start the clock."""
        assert isinstance(pl_module, SuperpositionModule)
        self.saved_at, self.saved_step = time.monotonic(), pl_module.step

    def after_chunk(self, trainer: pl.Trainer, module: SuperpositionModule) -> None:
        """Write a checkpoint where the time has come."""
        due = time.monotonic() - self.saved_at >= self.seconds
        if due or module.step == module.measured[-1]:
            self.save(trainer, module)

    def on_exception(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, exception: BaseException
    ) -> None:
        """Write a checkpoint where a signal asked for the end, and say where to go on from.

        After any other exception the models may be in the middle of a step.
        """
        if not isinstance(exception, Stopped | KeyboardInterrupt):
            return
        assert isinstance(pl_module, SuperpositionModule)
        started = hasattr(self, "saved_step")
        if isinstance(exception, Stopped) and started and pl_module.step > self.saved_step:
            self.save(trainer, pl_module)
        if started and self.path.exists():
            place = os.path.relpath(self.path)
            log.info(
                "stopped at step %d; checkpoint at step %d: %s\n"
                "to go on, repeat the command in its directory (a run's or a sweep's: resume=true)",
                pl_module.step,
                self.saved_step,
                place,
            )
        else:
            log.info("stopped before the first checkpoint")

    def save(self, trainer: pl.Trainer, module: SuperpositionModule) -> None:
        """Write the checkpoint in the place of the one before."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(self.path) as unfinished:
            trainer.save_checkpoint(unfinished)
        self.saved_at, self.saved_step = time.monotonic(), module.step
