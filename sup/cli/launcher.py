"""Hydra's launcher for `-m`: trains the jobs of a sweep in stacks, each group at once."""

import functools
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from hydra.core.utils import JobReturn, JobStatus, configure_log, run_job, setup_globals
from hydra.plugins.launcher import Launcher
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig, open_dict

from sup.cli import earlier, search
from sup.cli.composing import SweepLoader
from sup.cli.hooks import check_runs, described, is_placed
from sup.cli.jobs import check_directories, train
from sup.sweep import lock


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
    """Lets each job describe its run, trains all runs stack by stack, and lets the jobs end.

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
        loader: Any = hydra_context.config_loader
        if not isinstance(loader, SweepLoader):  # another sweeper's
            earlier.go_on(config)
            loader = SweepLoader(loader)
        self.loader: Any = loader
        self.context = HydraContext(config_loader=self.loader, callbacks=hydra_context.callbacks)
        self.task = task_function
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
        first = self.first + initial_job_idx
        check_jobs(self.loader, self.config, job_overrides, first)
        lock.take(self.config.hydra.sweep.dir)
        jobs = [self.start(job, number) for number, job in enumerate(job_overrides, first)]
        runs = [job.return_value.run for job in jobs]
        results = train(runs, self.placement)
        return [self.end(job, result) for job, result in zip(jobs, results, strict=True)]

    def start(self, overrides: Sequence[str], number: int) -> JobReturn:
        """Have Hydra run a job: it makes its directory, and returns the job as far as it got."""
        here = os.getcwd()
        config = self.loader.job(self.config, overrides, number)
        with open_dict(config):
            # Pages of help, which YAML's emitter reads letter by letter for each job's records.
            config.hydra.help.template = config.hydra.hydra_help.template = ""
        job = run_job(
            task_function=self.task,
            config=config,
            job_dir_key="hydra.sweep.dir",
            job_subdir_key="hydra.sweep.subdir",
            hydra_context=self.context,
        )
        os.chdir(here)  # as the job is trained later, it has no working directory of its own
        job.cfg = job.hydra_cfg = None  # 100 KB for each job
        return job

    def end(self, job: JobReturn, result: Any) -> JobReturn:
        """Let a job go on with what became of its run."""
        from sup.sweep.failures import RunError

        try:
            job.return_value = job.return_value.finish(result)
            job.status = JobStatus.COMPLETED
        except RunError as failure:
            job.return_value, job.status = failure, JobStatus.FAILED
        return FailedJob(**vars(job)) if job.status == JobStatus.FAILED else job


def check_jobs(
    loader: SweepLoader, master: DictConfig, jobs: Sequence[Sequence[str]], first: int
) -> None:
    """Check those jobs that have not been checked before: what can be seen without imports first.

    Args:
        loader: composes them.
        master: config of the sweep.
        jobs: the overrides of each.
        first: number of the first.

    Raises:
        SettingError: for the first that cannot be.
    """
    numbered = [(number, job) for number, job in enumerate(jobs, first) if not loader.knows(job)]
    runs = [described(loader.job(master, job, number)) for number, job in numbered]
    check_directories(runs)
    if runs:
        check_runs(runs, is_placed(master))
