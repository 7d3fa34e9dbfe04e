"""What a command does before its first job and after its last, as a Hydra callback."""

import logging
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from hydra.core.utils import JobReturn
from hydra.experimental.callback import Callback
from omegaconf import DictConfig, OmegaConf, open_dict
from omegaconf.errors import OmegaConfBaseException

from sup.cli import earlier, jobs, search
from sup.cli.arguments import as_given
from sup.cli.errors import one_line, shown_in_full
from sup.cli.store import CHECKING
from sup.config.rules import SettingError
from sup.sweep import lock
from sup.system import garbage, nvidia
from sup.system.stages import stage

log = logging.getLogger(__name__)


@contextmanager
def ending_the_command() -> Iterator[None]:
    """Turn errors into the end of the command: Hydra turns a callback's exception into a warning.

    The one that ends the command is a SystemExit.
    """
    try:
        yield
    except (SettingError, OmegaConfBaseException, OSError) as error:
        shown_in_full(error)
        raise SystemExit(one_line(error)) from error
    except Exception as error:
        traceback.print_exc()
        raise SystemExit(1) from error


class CommandHooks(Callback):
    """Ends a command that cannot be carried out in one line, and a sweep with its page.

    Hydra makes a run's directory before it calls the task, and a search's sweeper before it has
    jobs; this comes before that. The jobs of a sweep are checked by its sweeper or its launcher.
    """

    def on_run_start(self, config: DictConfig, **kwargs: Any) -> None:
        """Check the one job."""
        jobs.TRAINED.clear()
        with ending_the_command():
            check_command(config)
            if search.is_search(config):
                raise SettingError("hydra/sweeper", "optuna", "searches with -m only; add it")
            if is_placed(config):
                chosen = config.hydra.runtime.choices["hydra/launcher"]
                advice = "takes sweeps; add -m, which for one run makes a sweep of one"
                raise SettingError("hydra/launcher", chosen, advice)
            if earlier.is_asked(as_given(config.hydra.overrides.task)):
                with open_dict(config):
                    config.hydra.run.dir = earlier.directory(config, "run")
            run = described(config)
            check_runs([run])
            lock.take(config.hydra.run.dir)

    def on_multirun_start(self, config: DictConfig, **kwargs: Any) -> None:
        """Check what sweeper and launcher cannot."""
        jobs.TRAINED.clear()
        with ending_the_command():
            check_command(config)
            parts = {part: str(config.hydra[part]["_target_"]) for part in ("sweeper", "launcher")}
            if not set(parts.values()) & set(CHECKING):
                chosen = config.hydra.runtime.choices["hydra/launcher"]
                allowed = (
                    "trains the jobs of hydra/sweeper=checked only; use hydra/launcher=stacked"
                )
                raise SettingError("hydra/launcher", chosen, allowed)
            if search.is_search(config):
                search.check(config)

    def on_run_end(self, config: DictConfig, **kwargs: Any) -> None:
        """End a command: in one line where its run failed, before Hydra adds a line of its own."""
        job: JobReturn = kwargs["job_return"]
        failures = [result for _, result in jobs.TRAINED if isinstance(result, Exception)]
        if failures and job._return_value is failures[-1]:
            raise SystemExit(one_line(failures[-1]))
        from sup.cli.summary import close

        close(jobs.TRAINED)

    def on_multirun_end(self, config: DictConfig, **kwargs: Any) -> None:
        """Write the page of the sweep that has ended."""
        from sup.cli.summary import close
        from sup.sweep.failures import RunError
        from sup.sweep.page import write_page
        from sup.system.signals import stoppable

        sweep = Path(config.hydra.sweep.dir)
        runs, results = [run for run, _ in jobs.TRAINED], [result for _, result in jobs.TRAINED]
        what = "drawing the sweep as a whole, and logging that"
        with stoppable(), ending_the_command(), stage(log, what):
            write_page(sweep, runs, results)
        close(jobs.TRAINED, sweep)
        failed = [
            (run, result)
            for run, result in zip(runs, results, strict=True)
            if isinstance(result, RunError) and run.directory
        ]
        if failed:
            (first, why), count = failed[0], f"{len(failed)} of {len(runs)} runs failed"
            name = first.directory.relative_to(sweep.absolute()) if first.directory else first.name
            raise SystemExit(f"error: {count}; job {name}: {why.reason}")


def check_runs(runs: Sequence[Any], placed: bool = False) -> None:
    """Check runs by what needs torch, which takes seconds: typing errors do not wait for it.

    Args:
        runs: of one command.
        placed: see `is_placed`.

    Raises:
        SettingError: for the first that cannot be.
    """
    if not placed:
        check_gpus(runs)
    with garbage.kept():
        with stage(log, "loading torch and Lightning", level=logging.DEBUG):
            from sup.sweep.check import check
        with stage(log, "looking whether all can be trained", level=logging.DEBUG):
            check(runs, placed)


def check_gpus(runs: Sequence[Any]) -> None:
    """Check that no run asks for a GPU where there surely is none.

    Raises:
        SettingError: for the first that does.
    """
    asked = {run.settings.trainer.parameters.get("accelerator") for run in runs}
    for accelerator in sorted(asked & {"gpu", "cuda"}):
        if nvidia.is_absent():
            raise SettingError("trainer.accelerator", accelerator, "no GPU here")


def described(config: DictConfig) -> Any:
    """Describe the run of a composed config, Hydra's own node included.

    Raises:
        SettingError: for the first setting that is not allowed.
    """
    if is_placed(config):
        check_placed(config)
    task = OmegaConf.masked_copy(config, [str(key) for key in config if key != "hydra"])
    return jobs.describe(task, config.hydra)


def check_command(config: DictConfig) -> None:
    """Check what a command can only be asked as a whole, whether it is a run or a sweep.

    Raises:
        SettingError: where `resume` is true without having been said on the command line, where it
            is looked for, or Hydra's records would not be where they are looked for.
    """
    if config.get("resume") is True and not earlier.is_asked(as_given(config.hydra.overrides.task)):
        raise SettingError("resume", "true", "must be given on the command line")
    records = config.hydra.output_subdir
    if records != ".hydra":
        allowed = "must be .hydra, where sweep.csv and resume=true find the overrides"
        raise SettingError("hydra.output_subdir", records, allowed)


def is_placed(config: DictConfig) -> bool:
    """Tell whether a job's stack is handed to an engine (`sup.launch`), by its config."""
    return OmegaConf.select(config, "hydra.launcher.placement") is not None


def check_placed(config: DictConfig) -> None:
    """Check that a job that is handed to an engine asks for nothing that only this machine does.

    Raises:
        SettingError: where it asks for stacks side by side.
    """
    devices = OmegaConf.select(config, "stack.devices")
    if devices not in (1, "auto"):
        chosen = config.hydra.runtime.choices["hydra/launcher"]
        advice = f"trains stacks side by side here; hydra/launcher={chosen} does so by itself"
        raise SettingError("stack.devices", devices, advice)
