"""What follows the jobs of a command: the page of a sweep, and how the command ends."""

from pathlib import Path
from typing import Any

from hydra.core.utils import JobReturn
from hydra.experimental.callback import Callback
from omegaconf import DictConfig

from sup.cli.errors import RunError, one_line
from sup.cli.preflight import ending_the_command


class Ending(Callback):
    """A Hydra callback that writes a sweep's page, and ends the command in error if a job failed.

    Hydra turns a callback's exception into a warning, so what ends the command is a SystemExit.
    """

    def __init__(self) -> None:
        self.directories: set[Path] = set()

    def on_job_start(self, config: DictConfig, **kwargs: Any) -> None:
        """Note the jobs of this command: the directory may hold those of others too."""
        self.directories.add(Path(config.hydra.runtime.output_dir).absolute())

    def on_run_end(self, config: DictConfig, **kwargs: Any) -> None:
        """End a command whose one run failed, before Hydra adds a line of its own."""
        job: JobReturn = kwargs["job_return"]
        failure = job._return_value
        if isinstance(failure, RunError):
            raise SystemExit(one_line(failure))

    def on_multirun_end(self, config: DictConfig, **kwargs: Any) -> None:
        """Write the page of the sweep that has ended."""
        from sup.sweep import page as sweep_page
        from sup.system.signals import stoppable

        sweep = Path(config.hydra.sweep.dir)
        with stoppable(), ending_the_command():
            jobs = sweep_page.jobs_in(sweep)
            print(f"table of the jobs: {sweep_page.write_table(sweep, jobs)}")
            sweep_page.show(sweep, jobs)
        own = [job for job in jobs if job.directory.absolute() in self.directories]
        if failed := [job for job in own if job.reason]:
            count = f"{len(failed)} of {len(own)} runs failed"
            raise SystemExit(f"error: {count}; job {failed[0].name}: {failed[0].reason}")
