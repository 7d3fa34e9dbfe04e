"""What follows the jobs of a command: the page of a sweep, and how the command ends."""

from pathlib import Path
from typing import Any

from hydra.core.utils import JobReturn
from hydra.experimental.callback import Callback
from omegaconf import DictConfig

from sup.errors import RunError, one_line


class Ending(Callback):
    """A Hydra callback that writes a sweep's page, and ends the command in error if a job failed.

    Hydra turns a callback's exception into a warning, so what ends the command is a SystemExit.
    """

    def on_run_end(self, config: DictConfig, **kwargs: Any) -> None:
        """End a command whose one run failed, before Hydra adds a line of its own."""
        job: JobReturn = kwargs["job_return"]
        failure = job._return_value
        if isinstance(failure, RunError):
            raise SystemExit(one_line(failure))

    def on_multirun_end(self, config: DictConfig, **kwargs: Any) -> None:
        """Write the page of the sweep that has ended."""
        from sup.sweep_page import TABLE, write_page

        sweep = Path(config.hydra.sweep.dir)
        jobs = write_page(sweep)
        print(f"table of the jobs: {sweep / TABLE}")
        failed = [job for job in jobs if job.results is None]
        if failed:
            first = failed[0].row()
            raise SystemExit(
                f"error: {len(failed)} of {len(jobs)} runs failed; job {first['job']}: "
                f"{first['reason'] or 'it was not trained'}"
            )
