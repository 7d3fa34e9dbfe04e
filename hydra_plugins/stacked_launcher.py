"""Hydra's launcher for `-m`: trains the jobs of a sweep in stacks, each group at once.

Hydra finds launchers in the namespace package `hydra_plugins` and nowhere else, so this stands
beside `sup` and not in it. It is imported with every command and must stay light.
"""

import functools
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hydra.core.config_store import ConfigStore
from hydra.core.utils import JobReturn, JobStatus, configure_log, run_job, setup_globals
from hydra.plugins.launcher import Launcher
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig, open_dict

from sup.errors import RunError

log = logging.getLogger(__name__)


@dataclass
class FailedJob(JobReturn):
    """A failed job that raises its failure as it is; Hydra's own also writes a line, each time."""

    @property
    def return_value(self) -> Any:
        """The failure, which is raised."""
        raise self._return_value

    @return_value.setter
    def return_value(self, value: Any) -> None:
        self._return_value = value


class StackedLauncher(Launcher):
    """Runs Hydra's jobs twice: once to collect their runs, then to train them stack by stack.

    The first pass is Hydra's own `run_job` with a function that only describes the job, so that
    directories, ``.hydra/`` and interpolations are just as in any other multirun.

    Args:
        placement: makes, from `settings`, what has stacks trained elsewhere (`sup.clusters`); None:
            they are trained here.
        settings: those that the placement takes.
    """

    def __init__(self, placement: Callable[..., Any] | None = None, **settings: Any):
        self._make_placement = functools.partial(placement, **settings) if placement else None

    def setup(
        self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig
    ) -> None:
        """Keep what `launch` needs, and see whether stacks can be trained where they are to be."""
        # Not in __init__: there Hydra would wrap an error in its own.
        self.placement = self._make_placement() if self._make_placement else None
        self.hydra_context = hydra_context
        self.config = config

    def launch(
        self, job_overrides: Sequence[Sequence[str]], initial_job_idx: int
    ) -> Sequence[JobReturn]:
        """Train all jobs and return their results, in order."""
        from sup.preflight import check_all

        setup_globals()
        configure_log(self.config.hydra.hydra_logging, self.config.hydra.verbose)
        configs = [
            self._compose(overrides, initial_job_idx + index)
            for index, overrides in enumerate(job_overrides)
        ]
        check_all(configs)
        Path(self.config.hydra.sweep.dir).mkdir(parents=True, exist_ok=True)

        from sup import objective
        from sup.run import Run
        from sup.training import train

        returns = [self._collect(config, Run.of_job) for config in configs]
        runs = [job.return_value for job in returns]
        for job, run, outcome in zip(returns, runs, train(runs, self.placement), strict=True):
            try:
                job.return_value = objective.value(outcome, run.config.objective)
                job.status = JobStatus.COMPLETED
            except RunError as failure:
                job.return_value, job.status = failure, JobStatus.FAILED
        return [
            FailedJob(**vars(job)) if job.status == JobStatus.FAILED else job for job in returns
        ]

    def _compose(self, overrides: Sequence[str], index: int) -> DictConfig:
        loader = self.hydra_context.config_loader
        config = loader.load_sweep_config(self.config, list(overrides))
        with open_dict(config):
            config.hydra.job.id = index
            config.hydra.job.num = index
        return config

    def _collect(self, config: DictConfig, describe: Any) -> JobReturn:
        return run_job(
            hydra_context=self.hydra_context,
            task_function=describe,
            config=config,
            job_dir_key="hydra.sweep.dir",
            job_subdir_key="hydra.sweep.subdir",
        )


ConfigStore.instance().store(
    group="hydra/launcher",
    name="stacked",
    node={"_target_": f"{__name__}.{StackedLauncher.__name__}"},
    provider="superposition",
)
