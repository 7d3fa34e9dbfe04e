"""Weights & Biases: one run for each of ours. This and `wandb_mode` import wandb (read: 0.31.0).

Nothing that W&B does ends a training, or slows it down: what cannot be sent is kept, for
`wandb sync`, and what cannot be kept either is left out. A warning says so once for a command.
"""

import hashlib
import os
import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import lru_cache
from pathlib import Path
from typing import Any

import pandas as pd
import wandb
from lightning.pytorch.loggers import Logger, WandbLogger
from wandb.sdk.lib.gitlib import GitRepo

from sup.config.rules import in_one_line
from sup.config.run import Run
from sup.training.loggers import UNSENT, no_logger, wandb_folders, wandb_home
from sup.training.names import STEP, SWEEP
from sup.training.wandb_mode import SENDING, own_settings, step_down, verdict

PROJECT = "superposition"
"""The project of runs for which neither the settings nor W&B's own name one."""

LONGEST_NAME = 128
"""Letters that W&B's server takes in a run's name or group."""

OWN_GIT = ("WANDB_DISABLE_GIT", "WANDB_GIT_ROOT", "WANDB_GIT_COMMIT", "WANDB_GIT_REMOTE_URL")
"""What a user says of the repository, in W&B's own variables."""

LIMITS = {"init_timeout": 10, "finish_timeout": 20}
"""Seconds for the server to take a run's beginning, and its end; by default 90, and any number."""


class OwnWandbLogger(WandbLogger):
    """Lightning's logger of a W&B run that ends with it, and that fails alone.

    Args:
        experiment: the W&B run.
    """

    def __init__(self, experiment: Any):
        super().__init__(experiment=experiment)
        self.is_lost = False
        self.sends = not experiment.offline and not experiment.disabled

    def attempt(self, call: Callable[..., Any], *args: Any, **kwargs: Any) -> None:
        """Call what may fail for any reason that W&B has; after it has failed, nothing."""
        if self.is_lost:
            return
        try:
            call(*args, **kwargs)
        except Exception as error:  # its service has died, say
            self.is_lost = True
            step_down("online" if self.sends else "offline", in_one_line(error))

    def log_metrics(self, metrics: Mapping[str, Any], step: int | None = None) -> None:
        """Log metrics."""
        self.attempt(super().log_metrics, metrics, step)

    def log_image(self, key: str, images: list[Any], step: int | None = None, **kw: Any) -> None:
        """Log pictures."""
        self.attempt(super().log_image, key, images, step, **kw)

    def log_results(self, files: Mapping[str, Path], tables: Mapping[str, pd.DataFrame]) -> None:
        """Log tables, and files as one artifact of the run, named `results-` and the run's id."""
        with data_in(Path(self.experiment.dir).parent):
            self.attempt(self._log_results, files, tables)

    def _log_results(self, files: Mapping[str, Path], tables: Mapping[str, pd.DataFrame]) -> None:
        if tables:
            rows = {name: wandb.Table(dataframe=table) for name, table in tables.items()}
            self.experiment.log(rows)
        artifact = wandb.Artifact(f"results-{self.experiment.id}", type="results")
        for name, path in files.items():
            # They stay as they are, where they are: no copy is made of them, here or in a cache.
            artifact.add_file(str(path.absolute()), name, policy="immutable", skip_cache=True)
        self.experiment.log_artifact(artifact)

    def finalize(self, status: str) -> None:
        """End the W&B run, as failed unless the status is success.

        Where the server takes no more, W&B's own end, with the process, gives all runs together
        the time that each would have here.
        """
        begun = time.monotonic()
        if not self.sends or verdict() in SENDING:
            self.attempt(self.experiment.finish, exit_code=int(status != "success"))
        if self.sends and time.monotonic() - begun >= LIMITS["finish_timeout"]:
            step_down("online", "the server has not taken all of a run in time")
        if self.sends and (self.is_lost or verdict() not in SENDING):
            with suppress(OSError):  # the directory is gone, say
                Path(self.experiment.dir).with_name(UNSENT).touch()


@contextmanager
def data_in(folder: Path) -> Iterator[None]:
    """Have W&B keep its copies of what it is to send in a run's folder.

    By itself it keeps them in the home, where those of runs that are offline, or gone, stay.
    """
    if os.environ.get("WANDB_DATA_DIR"):
        yield
        return
    os.environ["WANDB_DATA_DIR"] = str(folder)
    try:
        yield
    finally:
        del os.environ["WANDB_DATA_DIR"]


def wandb_logger(run: Run, project: str | None = None, entity: str | None = None) -> Logger:
    """Start a W&B run of its own: group = sweep, name = overrides, config = settings.

    What an interrupted command has logged is gone on with, under the same W&B id. What the settings
    do not say, W&B's own variables and files do. Under W&B's agent it is the agent's run: W&B takes
    its id, project and sweep from the variables that the agent sets.
    """
    assert run.directory is not None
    while (chosen := verdict()) != "disabled":
        home = wandb_home(run.directory)
        before = set(wandb_folders(run.directory))
        try:
            home.mkdir(parents=True, exist_ok=True)
            return OwnWandbLogger(begin(run, home, chosen, project, entity))
        except Exception as error:  # the server's, the service's, the system's
            step_down(chosen, in_one_line(error))
            for folder in set(wandb_folders(run.directory)) - before:
                shutil.rmtree(folder, ignore_errors=True)
    return no_logger(run)


def begin(run: Run, home: Path, chosen: Any, project: str | None, entity: str | None) -> Any:
    """Return a W&B run that has begun."""
    environment = os.environ
    assert run.directory is not None
    earlier = wandb_folders(run.directory)
    identity = earlier[-1].name.rpartition("-")[2] if earlier else None
    identity = environment.get("WANDB_RUN_ID") or identity
    is_trial = bool(environment.get("WANDB_SWEEP_ID"))
    title = None if run.settings.name is None else str(run.settings.name)
    if title is None and not environment.get("WANDB_NAME"):
        title = run.name
    is_cut = title is not None and len(title) > LONGEST_NAME
    is_job = run.home is not None and run.home != run.directory.absolute()
    kind = SWEEP if run.group and not is_job else "train"
    settings = LIMITS | (of_a_sweep(run.home) if is_job else {})
    own: Any = {
        name: value
        for name, value in settings.items()
        if not environment.get(f"WANDB_{name.upper()}")
    }
    begun = wandb.init(
        project=project or own_settings().project or PROJECT,
        entity=entity,
        dir=home,
        name=cut(title),
        notes=title if is_cut and not environment.get("WANDB_NOTES") else None,
        group=None if environment.get("WANDB_RUN_GROUP") else cut(run.group),
        tags=[str(tag) for tag in run.settings.tags] or None,
        config=dict(run.config),
        id=identity,
        resume="allow" if identity and chosen == "online" and not is_trial else None,
        mode=chosen,
        job_type=None if environment.get("WANDB_JOB_TYPE") else kind,
        reinit="create_new",
        # The runs of a stack share one machine and console: nothing there is a single run's.
        settings=wandb.Settings(silent=True, console="off", x_disable_stats=True, **own),
    )
    begun.define_metric(STEP)
    begun.define_metric("*", step_metric=STEP, step_sync=True)
    return begun


@lru_cache(maxsize=1)
def of_a_sweep(home: Path) -> dict[str, Any]:
    """Return what W&B would find out for each job of a sweep anew, and which is the same for all.

    The list of installed packages, 60 ms a job, is left to the sweep's own run.

    Args:
        home: directory of the sweep.
    """
    same: dict[str, Any] = {"x_save_requirements": False}
    if any(os.environ.get(name) for name in OWN_GIT):
        return same
    repository = GitRepo(root=str(wandb_home(home)))
    if not (repository.root_dir and repository.last_commit):
        return same | {"disable_git": True}
    found = {"git_root": repository.root_dir, "git_commit": repository.last_commit}
    return same | found | {"git_remote_url": repository.remote_url or ""}


def cut(name: str | None) -> str | None:
    """Return a name that W&B takes: a longer one is cut, and told from others by a hash."""
    if name is None or len(name) <= LONGEST_NAME:
        return name
    mark = f"... {hashlib.sha1(name.encode()).hexdigest()[:8]}"
    return name[: LONGEST_NAME - len(mark)] + mark


def log_page(
    logger: Logger,
    figures: Mapping[str, Any],
    tables: Mapping[str, pd.DataFrame],
    files: Mapping[str, Path],
) -> None:
    """Log a sweep's figures, tables, and the results of its jobs, and end its W&B run."""
    if not isinstance(logger, OwnWandbLogger):
        return
    try:
        pictures = {name: wandb.Image(figure) for name, figure in figures.items()}
        logger.attempt(logger.experiment.log, pictures)
        logger.log_results(files, tables)
    finally:
        logger.finalize("success")
