"""Hydra's sweeper for `-m`: its basic one, with every job checked before anything is written."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.utils import JobReturn, JobStatus
from hydra.plugins.launcher import Launcher
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig, OmegaConf

from sup.cli import earlier
from sup.cli.composing import SweepLoader
from sup.cli.launcher import check_jobs
from sup.config.rules import SettingError
from sup.sweep import lock


class PatientLauncher(Launcher):
    """A launcher whose failed runs do not end the sweep: those of further batches are trained.

    At the end of all, `sup.cli.hooks` says which have failed.
    """

    def __init__(self, launcher: Any):
        self.launcher = launcher

    def setup(self, **settings: Any) -> None:
        """Do nothing: the launcher is set up."""

    def launch(
        self, job_overrides: Sequence[Sequence[str]], initial_job_idx: int
    ) -> Sequence[JobReturn]:
        """Run the jobs; those that have failed return None."""
        from sup.sweep.failures import RunError

        jobs = self.launcher.launch(job_overrides, initial_job_idx)
        none = JobReturn(status=JobStatus.COMPLETED)
        return [none if isinstance(job._return_value, RunError) else job for job in jobs]


if TYPE_CHECKING:
    from hydra._internal.core_plugins.basic_sweeper import BasicSweeper as Sweeper
else:
    Sweeper = object


class CheckedSweeping(Sweeper):
    """Makes of Hydra's basic sweeper one that finds a job that cannot run before any is started.

    Not derived from it: Hydra may execute that module again when it looks for plugins, and then a
    class that was derived from it before would be a stranger to its methods.
    """

    def setup(
        self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig
    ) -> None:
        """Set up sweeper and launcher with a loader that composes each job once, and quickly."""
        # Before the launcher is made, whose settings can depend on the sweep's directory.
        earlier.go_on(config)
        loader: Any = SweepLoader(hydra_context.config_loader)
        context = HydraContext(config_loader=loader, callbacks=hydra_context.callbacks)
        super().setup(hydra_context=context, task_function=task_function, config=config)
        self.launcher = PatientLauncher(self.launcher)

    def sweep(self, arguments: list[str]) -> Any:
        """Check the config of every job, then run them all."""
        assert self.hydra_context is not None
        assert self.config is not None
        # Once resolved here, the time in it is the same for every job that is composed below.
        OmegaConf.select(self.config, "hydra.sweep.dir")
        loader: Any = self.hydra_context.config_loader
        parser = OverridesParser.create(config_loader=loader)
        # Hydra would sweep over an experiment's parameters and over the user's own of that name.
        given = {override.key_or_group for override in parser.parse_overrides(arguments)}
        self.params = {key: value for key, value in (self.params or {}).items() if key not in given}
        overrides = parser.parse_overrides([*self._parse_config(), *arguments])
        (jobs,) = self.split_arguments(overrides, max_batch_size=None)
        if not jobs:
            key, _, empty = next(line for line in arguments if "(" in line).partition("=")
            raise SettingError(key, empty, "gives no job")
        check_jobs(loader, self.config, jobs, first=0)
        lock.take(self.config.hydra.sweep.dir)
        return super().sweep(arguments)

    def validate_batch_is_legal(self, batch: Sequence[Sequence[str]]) -> None:
        """Do nothing: `sweep` has composed every job before."""
