"""MLflow: one of its runs for each of ours, in the experiment that a project is (read: 3.17).

As of W&B, nothing that MLflow does ends a training: what fails is left out, and a warning says so.
"""

import logging
import os
import re
from collections.abc import Callable, Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from lightning.pytorch.loggers import Logger, MLFlowLogger

from sup.config.rules import in_one_line
from sup.config.run import Run
from sup.system.files import replacing
from sup.training.loggers import MLFLOW_RUN, no_logger

if find_spec("mlflow") is None:
    raise ImportError("it needs an extra: pip install -c constraints.txt -e '.[mlflow]'")

log = logging.getLogger(__name__)

EXPERIMENT = "superposition"
"""Of runs for which neither the settings nor MLflow's own variable names one."""

USUAL = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1",  # by itself it waits for minutes
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "10",
    "MLFLOW_ALLOW_FILE_STORE": "true",  # a database takes the whole of MLflow, with SQLAlchemy
}
"""MLflow's own variables, where the user has not set them."""

_LOST: set[tuple[str, str]] = set()
"""Where MLflow keeps its runs, and for which command that has failed."""


class OwnMLFlowLogger(MLFlowLogger):
    """Lightning's logger of an MLflow run that has begun, which fails alone.

    Args:
        address: where MLflow keeps its runs.
        identity: of the run.
        command: what tells the command from others of this process.
    """

    def __init__(self, address: str, identity: str, command: str):
        super().__init__(tracking_uri=address, run_id=identity)
        self.whole = (address, command)

    def attempt(self, call: Callable[..., Any], *args: Any, **kwargs: Any) -> None:
        """Call what may fail for any reason that MLflow has; after it has failed, nothing."""
        if self.whole not in _LOST:
            try:
                call(*args, **kwargs)
            except Exception as error:  # the server's, the disk's
                give_up(self.whole, error)

    def log_metrics(self, metrics: Mapping[str, float], step: int | None = None) -> None:
        """Log metrics."""
        named = {plain(name): value for name, value in metrics.items()}
        self.attempt(super().log_metrics, named, step)

    def log_image(self, key: str, images: Sequence[np.ndarray], step: int) -> None:
        """Log pictures ``[row, column, 3]`` in 0..255."""
        for image in images:
            self.attempt(self.experiment.log_image, self.run_id, image, key=plain(key), step=step)

    def log_results(self, files: Mapping[str, Path], tables: Mapping[str, pd.DataFrame]) -> None:
        """Log tables, and files as artifacts."""
        for name, table in tables.items():
            self.attempt(self.experiment.log_table, self.run_id, table, f"{name}.json")
        for path in files.values():
            self.attempt(self.experiment.log_artifact, self.run_id, str(path))

    def finalize(self, status: str = "success") -> None:
        """End the MLflow run, as failed unless the status is success."""
        self.attempt(super().finalize, status)


def mlflow_logger(run: Run, project: str | None = None) -> Logger:
    """Begin an MLflow run, or go on with that of an interrupted command.

    It is where `MLFLOW_TRACKING_URI` says; else in the folder `mlruns` below the current directory.
    """
    for name, value in USUAL.items():
        os.environ.setdefault(name, value)
    address = os.environ.get("MLFLOW_TRACKING_URI") or (Path.cwd() / "mlruns").as_uri()
    whole = (address, str(run.home or run.directory))
    if whole not in _LOST:
        try:
            return begin(run, address, project)
        except Exception as error:  # as many kinds as there are stores
            give_up(whole, error)
    return no_logger(run)


def begin(run: Run, address: str, project: str | None) -> OwnMLFlowLogger:
    """Return the logger of an MLflow run that has begun."""
    from mlflow.tracking import MlflowClient  # pyright: ignore[reportMissingImports]

    assert run.directory is not None
    known = run.directory / MLFLOW_RUN
    identity = known.read_text("utf-8") if known.exists() else ""
    if not identity:
        identity = create(MlflowClient(address), run, project)
        with replacing(known) as path:
            path.write_text(identity, "utf-8")
    logger = OwnMLFlowLogger(address, identity, str(run.home or run.directory))
    logger.log_hyperparams(dict(run.config))
    return logger


def create(client: Any, run: Run, project: str | None) -> str:
    """Create an MLflow run, and its experiment where there is none; return the run's id."""
    name = project or os.environ.get("MLFLOW_EXPERIMENT_NAME") or EXPERIMENT
    held = client.get_experiment_by_name(name)
    experiment = held.experiment_id if held else client.create_experiment(name)
    about = {"group": run.group, "tags": ", ".join(map(str, run.settings.tags))}
    tags = {key: value for key, value in about.items() if value}
    named = str(run.settings.name or run.name)
    return client.create_run(experiment, tags=tags, run_name=named).info.run_id


def give_up(whole: tuple[str, str], error: Exception) -> None:
    """Leave MLflow out of a command, and say so once."""
    if whole not in _LOST:
        _LOST.add(whole)
        log.warning("MLflow: %s; this command leaves it out", in_one_line(error))


def plain(name: str) -> str:
    """Return a name that MLflow takes: `loss sparsity 0.9` for `loss/sparsity=0.9`.

    A slash makes a folder in its store, where there would be a metric of the same name.
    """
    return re.sub(r"[^\w .-]+", " ", name, flags=re.ASCII)
