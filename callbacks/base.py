"""What the callbacks of a stack have in common."""

from collections.abc import Iterator
from typing import Any

import lightning.pytorch as pl
from lightning.pytorch.loggers import Logger
from torch import Tensor

from sup.config.run import Run
from sup.training.loggers import is_silent
from sup.training.module import SuperpositionModule
from sup.training.stack import Stack


class StackCallback(pl.Callback):
    """A callback made for one stack.

    Args:
        stack: the runs that are trained.
        loggers: where they log; a run of which the stack holds a slice only has none.
    """

    writes = False
    """Whether it needs a directory to write to."""

    def __init__(self, stack: Stack, loggers: dict[Run, Logger]) -> None:
        self.stack = stack
        self.loggers = loggers
        self.is_heard = not all(is_silent(logger) for logger in loggers.values())

    def logged(self) -> Iterator[tuple[Run, Logger, Tensor]]:
        """Yield each run that logs, with its logger and the places of its instances."""
        for part, place in self.stack.places:
            if part.run in self.loggers:
                yield part.run, self.loggers[part.run], place

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
