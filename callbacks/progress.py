"""Show one progress bar for the whole stack."""

import sys
from typing import Any

import lightning.pytorch as pl
from lightning.pytorch.loggers import Logger
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.text import Text

from sup.callbacks.base import StackCallback
from sup.config.run import Run
from sup.training.module import SuperpositionModule
from sup.training.stack import Stack


class StepRate(ProgressColumn):
    """Optimizer steps per second."""

    def render(self, task: Task) -> Text:
        """Return the speed, or nothing before it is known."""
        return Text(f"{task.finished_speed or task.speed or 0:.0f} steps/s")


class StackProgress(StackCallback):
    """Advances after each chunk of steps and shows the mean training loss of the stack."""

    def __init__(self, stack: Stack, loggers: dict[Run, Logger]):
        super().__init__(stack, loggers)
        self.name = stack.title
        self.steps = stack.settings.steps
        self.progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=20),
            MofNCompleteColumn(),
            StepRate(),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            TextColumn("training loss {task.fields[loss]}"),
            console=Console(width=None if sys.stdout.isatty() else 120),
            refresh_per_second=4,
        )

    def on_train_batch_start(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, batch: Any, batch_idx: int
    ) -> None:
        """Show the bar, at the step that a resumed run starts from.

        Not when the epoch starts: for a run resumed within it, Lightning does not say so.
        """
        assert isinstance(pl_module, SuperpositionModule)
        if not self.progress.tasks:
            self.progress.start()
            self.progress.add_task(self.name, total=self.steps, completed=pl_module.step, loss="-")

    def after_chunk(self, trainer: pl.Trainer, module: SuperpositionModule) -> None:
        """Advance the bar."""
        fields: dict[str, Any] = {"completed": module.step}
        if module.step in module.measured:
            loss = module.training_loss[module.measurement(module.step)].nanmean()
            fields["loss"] = f"{loss.item():.4g}"
        self.progress.update(self.progress.task_ids[0], **fields)
        if module.step >= self.steps:
            self.stop()  # the full bar stands; what comes now is no training

    def stop(self) -> None:
        """Give the terminal back, if it is not yet: where there is none, rich ends with a line."""
        if self.progress.live.is_started:
            self.progress.stop()

    def on_train_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Leave the bar standing where the training has ended before its last step."""
        self.stop()

    def on_exception(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, exception: BaseException
    ) -> None:
        """Give the terminal back."""
        self.stop()
