"""One Lightning logger for each run, made from the run: the setting `logger`."""

import csv
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from lightning.pytorch.loggers import CSVLogger, Logger, TensorBoardLogger
from lightning.pytorch.loggers.logger import DummyLogger

from sup.config.part import Part
from sup.config.run import Run


def csv_logger(run: Run) -> CSVLogger:
    """Write metrics to `csv/metrics.csv` in the run's directory."""
    assert run.directory is not None
    return ContinuedCSVLogger(run.directory)


class ContinuedCSVLogger(CSVLogger):
    """Writes each row at once, and goes on with those of an interrupted command.

    Lightning's logger would write them at the end, and remove those that it finds.

    Args:
        directory: of the run.
    """

    def __init__(self, directory: Path):
        super().__init__(directory, name="", version="csv", flush_logs_every_n_steps=1)
        self.earlier: list[dict[str, str]] = []
        file = Path(self.log_dir) / "metrics.csv"
        if file.is_file():
            with file.open(newline="", encoding="utf-8") as lines:
                self.earlier = list(csv.DictReader(lines))

    def log_metrics(self, metrics: Any, step: int | None = None) -> None:
        """Write a row; before the first, the earlier rows of fewer steps."""
        if self.earlier and step is not None:
            # A row that was being written may end early.
            whole = [row for row in self.earlier if (row["step"] or "").isdigit()]
            self.earlier = []
            shutil.rmtree(self.log_dir)
            self.experiment.metrics += [row for row in whole if int(row["step"]) < step]
        super().log_metrics(metrics, step)


def tensorboard_logger(run: Run) -> TensorBoardLogger:
    """Write TensorBoard's event files to the run's directory."""
    assert run.directory is not None
    return TensorBoardLogger(run.directory, name="", version="tensorboard")


def no_logger(run: Run) -> DummyLogger:
    """Log nothing."""
    return DummyLogger()


def is_silent(logger: Logger) -> bool:
    """Tell whether a logger logs nothing."""
    return isinstance(logger, DummyLogger)


def is_wandb(logger: Part) -> bool:
    """Tell whether a setting is for a logger of W&B's, without importing it."""
    return "wandb" in logger.path


def forget_offline(directory: Path) -> None:
    """Remove what W&B was to be told of a run, or of a sweep, that starts from the beginning."""
    for folder in directory.glob("wandb/offline-run-*"):
        shutil.rmtree(folder)


def takes_pictures(logger: Logger) -> bool:
    """Tell whether a logger takes pictures: to paint one takes time."""
    return isinstance(logger, TensorBoardLogger) or (
        hasattr(logger, "log_image") and not is_silent(logger)
    )


def log_image(logger: Logger, name: str, image: np.ndarray, step: int) -> None:
    """Log a picture ``[row, column, 3]`` in 0..255 where the logger takes pictures."""
    if isinstance(logger, TensorBoardLogger):
        logger.experiment.add_image(name, image, step, dataformats="HWC")
    elif takes_pictures(logger):
        logger.log_image(name, [image], step=step)  # pyright: ignore[reportAttributeAccessIssue]


@contextmanager
def open_loggers(runs: Sequence[Run]) -> Iterator[dict[Run, Logger]]:
    """Open each run's logger and close them all, as failed if the work in between fails."""
    loggers: dict[Run, Logger] = {}
    status = "failed"
    try:
        for run in runs:
            loggers[run] = run.settings.logger.make(run)
        yield loggers
        status = "success"
    finally:
        for logger in loggers.values():
            logger.finalize(status)
