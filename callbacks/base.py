"""What the callbacks of a stack have in common."""

from typing import Any

import lightning.pytorch as pl
from lightning.pytorch.loggers import Logger
from lightning.pytorch.loggers.logger import DummyLogger

from sup.config.run import Run
from sup.training.module import SuperpositionModule
from sup.training.stack import Stack


class StackCallback(pl.Callback):
    """A callback made for one stack.

    Args:
        stack: the runs that are trained.
        loggers: where each of them logs.
    """

    def __init__(self, stack: Stack, loggers: dict[Run, Logger]) -> None:
        self.stack = stack
        self.loggers = loggers
        self.heard = any(not isinstance(logger, DummyLogger) for logger in loggers.values())

    def after_chunk(self, trainer: pl.Trainer, module: SuperpositionModule) -> None:
        """Act on the models after a chunk of steps; `module.step` tells how many are done."""

    def on_train_batch_end(
        self,
        trainer: pl.Trainer,
        pl_module: pl.LightningModule,
        outputs: Any,
        batch: Any,
        batch_idx: int,
    ) -> None:
        """Call `after_chunk`: what Lightning calls a batch is a chunk of steps here."""
        assert isinstance(pl_module, SuperpositionModule)
        self.after_chunk(trainer, pl_module)
