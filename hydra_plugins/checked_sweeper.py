"""Hydra's sweeper for `-m`: its basic one, with every job checked before anything is written.

Hydra finds sweepers in the namespace package `hydra_plugins` and nowhere else, so this stands
beside `sup` and not in it. It is imported with every command and must stay light.
"""

from collections.abc import Iterator, Sequence
from typing import Any

from hydra._internal.core_plugins.basic_sweeper import BasicSweeper
from hydra.core.config_store import ConfigStore
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.utils import JobReturn, JobStatus
from hydra.plugins.launcher import Launcher
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig, OmegaConf, open_dict

from sup.cli import earlier
from sup.cli.composing import CheckedContext, SweepLoader
from sup.cli.errors import RunError
from sup.cli.preflight import check_all, check_finished, has_results
from sup.config.settings import SettingError
from sup.system import lock


class PatientLauncher(Launcher):
    """A launcher whose failed runs do not end the sweep: those of further batches are trained.

    At the end of all, `sup.cli.ending` says which have failed.
    """

    def __init__(self, launcher: Any):
        self.launcher = launcher

    def setup(self, **settings: Any) -> None:
        """Do nothing: the launcher is set up."""

    def launch(
        self, job_overrides: Sequence[Sequence[str]], initial_job_idx: int
    ) -> Sequence[JobReturn]:
        """Run the jobs; those that have failed return None."""
        jobs = self.launcher.launch(job_overrides, initial_job_idx)
        none = JobReturn(status=JobStatus.COMPLETED)
        return [none if isinstance(job._return_value, RunError) else job for job in jobs]


class CheckedSweeper(BasicSweeper):
    """Hydra's basic sweeper, but a job that cannot run is found before the first is started."""

    def setup(
        self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig
    ) -> None:
        """Set up sweeper and launcher with a loader that composes quickly."""
        # Before the launcher is made, whose settings can depend on the sweep's directory.
        earlier.go_on(config)
        loader: Any = SweepLoader(hydra_context.config_loader)
        context = CheckedContext(config_loader=loader, callbacks=hydra_context.callbacks)
        super().setup(hydra_context=context, task_function=task_function, config=config)
        self.launcher = PatientLauncher(self.launcher)

    def sweep(self, arguments: list[str]) -> Any:
        """Check the config of every job, then run them all."""
        assert self.hydra_context is not None
        assert self.config is not None
        # Once resolved here, the time in it is the same for every job that is composed below.
        OmegaConf.select(self.config, "hydra.sweep.dir")
        parser = OverridesParser.create(config_loader=self.hydra_context.config_loader)
        # Hydra would sweep over an experiment's parameters and over the user's own of that name.
        given = {override.key_or_group for override in parser.parse_overrides(arguments)}
        self.params = {key: value for key, value in (self.params or {}).items() if key not in given}
        overrides = parser.parse_overrides([*self._parse_config(), *arguments])
        (jobs,) = self.split_arguments(overrides, max_batch_size=None)
        directories: list[tuple[str, str]] = []
        check_all(self._composed(jobs, directories))
        check_subdirs([subdir for _, subdir in directories])
        for number, home in enumerate(map("/".join, directories)):
            if has_results(home):
                check_finished(home, self._compose(jobs[number], number))
        lock.take(self.config.hydra.sweep.dir)
        return super().sweep(arguments)

    def validate_batch_is_legal(self, batch: Sequence[Sequence[str]]) -> None:
        """Do nothing: `sweep` has composed every job before."""

    def _composed(
        self, jobs: list[list[str]], directories: list[tuple[str, str]]
    ) -> Iterator[DictConfig]:
        """Yield each job's config, as a thousand at once need 100 MB; keep where it writes."""
        for number, job in enumerate(jobs):
            config = self._compose(job, number)
            sweep = config.hydra.sweep
            directories.append((str(sweep.dir), str(sweep.subdir)))
            yield config

    def _compose(self, job: list[str], number: int) -> DictConfig:
        assert self.hydra_context is not None
        assert self.config is not None
        config = self.hydra_context.config_loader.load_sweep_config(self.config, job)
        with open_dict(config):
            config.hydra.job.num = config.hydra.job.id = number
        return config


def check_subdirs(subdirs: list[str]) -> None:
    """Check that each job writes to a directory of its own.

    Raises:
        SettingError: where two would share one.
    """
    if len(set(subdirs)) < len(subdirs):
        raise SettingError("hydra.sweep.subdir", min(subdirs), "gives two jobs one directory")


ConfigStore.instance().store(
    group="hydra/sweeper",
    name="checked",
    node={
        "_target_": f"{__name__}.{CheckedSweeper.__name__}",
        "max_batch_size": None,
        "params": None,
    },
    provider="superposition",
)
