"""One Lightning logger for each run, made from the run: the setting `logger`."""

import os
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from lightning.pytorch.loggers import Logger, TensorBoardLogger
from lightning.pytorch.loggers.logger import DummyLogger
from lightning.pytorch.utilities import rank_zero_only

from sup.config.run import Run
from sup.config.several import is_wandb
from sup.training.csv_logger import CSVRows


def csv_logger(run: Run) -> CSVRows:
    """Write metrics to `csv/metrics.csv` in the run's directory."""
    assert run.directory is not None
    return CSVRows(run.directory)


def tensorboard_logger(run: Run) -> TensorBoardLogger:
    """Write TensorBoard's event files to the run's directory."""
    assert run.directory is not None
    return TensorBoardLogger(run.directory, name="", version="tensorboard")


UNSENT = "unsent"
"""A file in a folder of W&B's says that its server has not taken all of it."""


MLFLOW_RUN = "mlflow.txt"
"""A file in a run's directory: the id of its MLflow run."""


class Several(Logger):
    """Passes on to each of several loggers what a run logs.

    Args:
        loggers: of one run.
    """

    def __init__(self, loggers: Sequence[Logger]):
        super().__init__()
        self.loggers = loggers

    @property
    def name(self) -> str:
        """The names of all."""
        return ",".join(str(logger.name) for logger in self.loggers)

    @property
    def version(self) -> str:
        """Empty: each has its own."""
        return ""

    def log_metrics(self, metrics: Mapping[str, Any], step: int | None = None) -> None:
        """Log metrics to each."""
        for logger in self.loggers:
            logger.log_metrics(dict(metrics), step)

    def log_hyperparams(self, params: Any, *args: Any, **kwargs: Any) -> None:
        """Tell each of settings."""
        for logger in self.loggers:
            logger.log_hyperparams(params, *args, **kwargs)

    def finalize(self, status: str) -> None:
        """End each, whatever becomes of the others."""
        with ExitStack() as each:
            for logger in reversed(self.loggers):
                each.callback(logger.finalize, status)


def several(run: Run, **makers: Callable[[Run], Logger]) -> Several:
    """Log to each of several loggers."""
    return Several([make(run) for make in makers.values()])


def no_logger(run: Run) -> DummyLogger:
    """Log nothing."""
    return DummyLogger()


def is_silent(logger: Logger) -> bool:
    """Tell whether a logger logs nothing."""
    return isinstance(logger, DummyLogger)


def wandb_home(directory: Path) -> Path:
    """Return where W&B's data of a run, or of a sweep, are: in its directory, or below `WANDB_DIR`.

    There at the directory's own path, as runs of the same sweep and of others share that place.
    W&B's agent sets it to where it was started, which is nothing that a user has asked for.
    """
    place = os.environ.get("WANDB_DIR")
    if place and os.environ.get("WANDB_SWEEP_ID") and Path(place) == Path.cwd():
        place = None
    # Absolute, as W&B's service is a process that may have begun in another directory.
    own = directory.absolute()
    return Path(place, *own.parts[1:]).absolute() if place else own


def wandb_folders(directory: Path) -> list[Path]:
    """Return W&B's data of a run, or of a sweep, the latest last; none that lies behind a link."""
    place = wandb_home(directory) / "wandb"
    found = [] if place.is_symlink() else place.glob("*run-*-*")
    return sorted(found, key=lambda folder: folder.stat().st_mtime)


def unsent(directory: Path) -> list[Path]:
    """Return those of W&B's data that its server was not told of."""
    every = wandb_folders(directory)
    return [one for one in every if one.name.startswith("offline") or (one / UNSENT).exists()]


def forget_unsent(directory: Path) -> None:
    """Remove what W&B was to be told of a run, or of a sweep, that starts from the beginning."""
    for folder in unsent(directory):
        shutil.rmtree(folder, ignore_errors=True)


def each_of(logger: Logger) -> list[Any]:
    """Return those that a run's logger stands for, without one that logs nothing."""
    every = logger.loggers if isinstance(logger, Several) else [logger]
    return [one for one in every if not is_silent(one)]  # DummyLogger has a method of any name


def forget_logged(run: Run) -> None:
    """Forget what was logged of a run that starts from the beginning, where that can be."""
    assert run.directory is not None
    if is_wandb(run.settings.logger):
        forget_unsent(run.directory)
    (run.directory / MLFLOW_RUN).unlink(missing_ok=True)


def takes_pictures(logger: Logger) -> bool:
    """Tell whether a logger keeps pictures: where none does, none need be painted."""
    return any(
        isinstance(one, TensorBoardLogger) or hasattr(one, "log_image") for one in each_of(logger)
    )


def log_image(logger: Logger, name: str, image: np.ndarray, step: int) -> None:
    """Log a picture ``[row, column, 3]`` in 0..255 where the logger takes pictures."""
    for one in each_of(logger):
        if isinstance(one, TensorBoardLogger):
            one.experiment.add_image(name, image, step, dataformats="HWC")
        elif hasattr(one, "log_image"):
            one.log_image(name, [image], step=step)


def takes_results(logger: Logger) -> bool:
    """Tell whether a logger keeps files and tables."""
    return any(hasattr(one, "log_results") for one in each_of(logger))


def log_results(
    logger: Logger, files: Mapping[str, Path], tables: Mapping[str, pd.DataFrame]
) -> None:
    """Log files, by the names that they are to have, and tables where the logger takes them."""
    for one in each_of(logger):
        if hasattr(one, "log_results"):
            one.log_results(files, tables)


@contextmanager
def open_loggers(runs: Sequence[Run]) -> Iterator[dict[Run, Logger]]:
    """Open each run's logger and close them all, as failed if the work in between fails."""
    # Lightning's loggers log nothing in a process that has another rank, which any variable of a
    # cluster gives it, such as RANK; only the one that is to log comes here.
    rank_zero_only.rank = 0  # pyright: ignore[reportFunctionMemberAccess]
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
