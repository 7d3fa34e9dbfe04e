"""Hydra's launcher for `-m`: trains the jobs of a sweep in stacks, each group at once.

Hydra finds launchers in the namespace package `hydra_plugins` and nowhere else, so this stands
beside `sup` and not in it. It is imported with every command and must stay light.
"""

import functools
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from hydra.core.config_store import ConfigStore
from hydra.core.utils import JobReturn, JobStatus, configure_log, setup_globals
from hydra.plugins.launcher import Launcher
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig, open_dict

from sup.cli import earlier, search
from sup.cli.composing import CheckedContext, SweepLoader
from sup.cli.errors import RunError
from sup.cli.job import describe_job
from sup.system import lock

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

    The first pass does what Hydra's own `run_job` does with a function that only describes the job,
    so that directories, ``.hydra/`` and interpolations are just as in any other multirun.

    Args:
        placement: makes, from `settings`, what has stacks trained elsewhere (`sup.launch`); None:
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
        self.checked = isinstance(hydra_context, CheckedContext)
        if not self.checked:  # which our own sweeper has done
            earlier.go_on(config)
        loader = hydra_context.config_loader
        self.loader = loader if self.checked else SweepLoader(loader)
        self.config = config
        self.first = search.first_job(config)

    def launch(
        self, job_overrides: Sequence[Sequence[str]], initial_job_idx: int
    ) -> Sequence[JobReturn]:
        """Train all jobs and return their results, in order."""
        if not job_overrides:
            return []
        setup_globals()
        configure_log(self.config.hydra.hydra_logging, self.config.hydra.verbose)
        jobs = list(enumerate(job_overrides, start=self.first + initial_job_idx))
        if not self.checked:
            self._check(jobs)
        lock.take(self.config.hydra.sweep.dir)

        from sup.cli import objective
        from sup.config.run import Run
        from sup.sweep.train import train

        returns = [
            describe_job(self.hydra_context, self._compose(*job), Run.of_job) for job in jobs
        ]
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

    def _check(self, jobs: Sequence[tuple[int, Sequence[str]]]) -> None:
        from sup.cli.preflight import check_all, check_finished

        check_all(self._compose(*job) for job in jobs)
        for job in jobs:
            config = self._compose(*job)
            check_finished(f"{config.hydra.sweep.dir}/{config.hydra.sweep.subdir}", config)

    def _compose(self, index: int, overrides: Sequence[str]) -> DictConfig:
        config = self.loader.load_sweep_config(self.config, list(overrides))
        with open_dict(config):
            config.hydra.job.id = index
            config.hydra.job.num = index
        return config


ConfigStore.instance().store(
    group="hydra/launcher",
    name="stacked",
    node={"_target_": f"{__name__}.{StackedLauncher.__name__}"},
    provider="superposition",
)
