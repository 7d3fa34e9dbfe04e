"""One Lightning logger for each run, made from the run: what the `logger` config group names."""

import csv
import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import wandb
from hydra.utils import instantiate
from lightning.pytorch.loggers import CSVLogger, Logger, TensorBoardLogger, WandbLogger
from lightning.pytorch.loggers.logger import DummyLogger
from wandb.errors import Error as WandbError
from wandb.sdk.lib.wbauth import read_netrc_auth

from sup.config.run import Run
from sup.config.settings import SettingError


def wandb_mode() -> str:
    """Return W&B's mode: what the user set (`WANDB_MODE`, `wandb offline`), else by log-in."""
    if mode := os.environ.get("WANDB_MODE"):
        return mode
    settings: Any = wandb.setup().settings
    if settings.mode != "online":
        return settings.mode
    known = ("WANDB_API_KEY", "WANDB_IDENTITY_TOKEN_FILE")
    logged_in = any(map(os.environ.get, known)) or read_netrc_auth(host=settings.base_url)
    return "online" if logged_in else "offline"


def wandb_logger(run: Run, project: str, entity: str | None) -> WandbLogger:
    """Start a W&B run of its own: group = sweep, name = overrides, config = resolved config.

    What an interrupted command has logged is gone on with, under the same W&B id.
    """
    mode: Any = wandb_mode()
    earlier = sorted(
        run.directory.glob("wandb/*run-*-*"), key=lambda folder: folder.stat().st_mtime
    )
    identity = earlier[-1].name.rpartition("-")[2] if earlier else None
    try:
        experiment = wandb.init(
            project=project,
            entity=entity,
            dir=run.directory,
            name=run.name,
            group=run.group,
            tags=[str(tag) for tag in run.config.tags],
            config=run.settings,
            id=identity,
            resume="allow" if identity and mode == "online" else None,
            mode=mode,
            reinit="create_new",
            # The runs of a stack share one machine and console: nothing there is a single run's.
            settings=wandb.Settings(silent=True, console="off", x_disable_stats=True),
        )
    except WandbError as error:
        reason = " ".join(str(error).split())
        raise SettingError("logger", "wandb", f"{reason} (logger=csv needs no account)") from error
    return WandbLogger(experiment=experiment)


def csv_logger(run: Run) -> CSVLogger:
    """Write metrics to `csv/metrics.csv` in the run's directory."""
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
            with file.open(newline="") as lines:
                self.earlier = list(csv.DictReader(lines))

    def log_metrics(self, metrics: Any, step: int | None = None) -> None:
        """Write a row; before the first, the earlier rows of fewer steps."""
        if self.earlier and step is not None:
            # A row that was being written may end early.
            kept = [row for row in self.earlier if (row["step"] or "").isdigit()]
            self.earlier = []
            shutil.rmtree(self.log_dir)
            self.experiment.metrics += [row for row in kept if int(row["step"]) < step]
        super().log_metrics(metrics, step)


def tensorboard_logger(run: Run) -> TensorBoardLogger:
    """Write TensorBoard's event files to the run's directory."""
    return TensorBoardLogger(run.directory, name="", version="tensorboard")


def no_logger(run: Run) -> DummyLogger:
    """Log nothing."""
    return DummyLogger()


def log_image(logger: Logger, name: str, image: np.ndarray, step: int) -> None:
    """Log a picture ``[row, column, 3]`` in 0..255 where the logger takes pictures."""
    if isinstance(logger, WandbLogger):
        logger.log_image(name, [image], step=step)
    elif isinstance(logger, TensorBoardLogger):
        logger.experiment.add_image(name, image, step, dataformats="HWC")


def forget_offline(directory: Path) -> None:
    """Remove what W&B was to be told of a run, or of a sweep, that starts from the beginning."""
    for folder in directory.glob("wandb/offline-run-*"):
        shutil.rmtree(folder)


@contextmanager
def open_loggers(runs: Sequence[Run]) -> Iterator[dict[Run, Logger]]:
    """Open each run's logger and close them all, as failed if the work in between fails."""
    loggers: dict[Run, Logger] = {}
    status = "failed"
    try:
        for run in runs:
            loggers[run] = instantiate(run.config.logger)(run)
        yield loggers
        status = "success"
    finally:
        for logger in loggers.values():
            logger.finalize(status)
            if isinstance(logger, WandbLogger):
                logger.experiment.finish(exit_code=int(status != "success"))
