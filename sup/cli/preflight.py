"""Check what a command asks for before anything is written."""

import traceback
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from hydra.experimental.callback import Callback
from omegaconf import DictConfig, OmegaConf, open_dict
from omegaconf.errors import OmegaConfBaseException

from sup.cli import earlier, search
from sup.cli.errors import one_line
from sup.cli.targets import used
from sup.config import settings
from sup.system import lock

CHECKING = ("hydra_plugins.checked_sweeper.", "hydra_plugins.stacked_launcher.")
"""Where the sweeper and the launcher are that check a sweep's jobs before any is written."""


def without_hydra(config: DictConfig) -> DictConfig:
    """Take Hydra's own node out of a job's config, to leave it as the job itself will see it."""
    with open_dict(config):
        config.pop("hydra", None)
    return config


def check_all(configs: Iterable[DictConfig]) -> None:
    """Check the configs of all jobs: first what is quick to see, then what needs imports.

    Args:
        configs: each with Hydra's own node, if Hydra composed it, which is taken out.

    Raises:
        SettingError: for the first setting that cannot be.
    """
    distinct: dict[tuple, DictConfig] = {}  # of a thousand similar jobs, a few
    here: dict[tuple, DictConfig] = {}  # of those, the ones that this machine trains
    resuming = []
    for config in configs:
        check_choices(config)
        placed = is_placed(config)
        if placed:
            check_placed(config)
        task = without_hydra(config)
        settings.check(task)
        key = used(task)
        distinct.setdefault(key, task)
        if not placed:
            here.setdefault(key, task)
        if isinstance(task.resume, str):
            resuming.append(task)
    from sup.launch import local as devices  # torch takes seconds; typing errors must not wait
    from sup.model import building as parts  # torch takes seconds; typing errors must not wait

    for task in distinct.values():
        parts.check_parts(task)
    for task in here.values():
        devices.check_present(task)
    check_resumed(resuming)


def check_resumed(tasks: Iterable[DictConfig]) -> None:
    """Check that runs which are to go on from checkpoints of other commands find theirs there.

    Raises:
        SettingError: for the first that does not.
    """
    from sup.training import checkpoints, stack

    resumed: dict[tuple[str, str], list[str]] = {}
    for task in tasks:
        shared = stack.training_settings(task)
        resumed.setdefault((task.resume, shared), []).extend(stack.instance_settings(task))
    for (path, shared), instances in resumed.items():
        checkpoints.find(path, shared, instances)


def has_results(directory: str) -> bool:
    """Tell whether there are results in a run's directory, of the run or of parts of it."""
    place = Path(directory)
    return (place / "results.nc").exists() or any(place.glob("parts/*/results.nc"))


def check_finished(directory: str, config: DictConfig) -> None:
    """Check that results in a run's directory, if there are any, are of the same settings.

    Raises:
        SettingError: where they are not.
    """
    if has_results(directory):
        from sup.sweep import resume as restart

        task = without_hydra(config.copy())
        if not restart.is_finished(Path(directory), task):
            restart.check_parts(Path(directory), task)


def check_choices(config: DictConfig) -> None:
    """Check that each config group has one option: Hydra would merge a list of them into one.

    Raises:
        SettingError: for the first group with a list.
    """
    for override in OmegaConf.select(config, "hydra.overrides.task") or []:
        group, _, option = str(override).partition("=")
        if group in settings.GROUPS and option.startswith("["):
            advice = f"takes one option; for a sweep: -m {group}={option.strip('[]')}"
            raise settings.SettingError(group, option, advice)


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
        raise settings.SettingError("stack.devices", devices, advice)


def check_launcher(config: DictConfig) -> None:
    """Check that a run of its own is not to be handed to a cluster: only sweeps have a launcher.

    Raises:
        SettingError: where the run would be trained here all the same.
    """
    if is_placed(config):
        chosen = config.hydra.runtime.choices["hydra/launcher"]
        advice = "takes sweeps; add -m, which for one run makes a sweep of one"
        raise settings.SettingError("hydra/launcher", chosen, advice)


@contextmanager
def ending_the_command() -> Iterator[None]:
    """Turn errors into the end of the command: Hydra turns a callback's exception into a warning.

    The one that ends the command is a SystemExit.
    """
    try:
        yield
    except (settings.SettingError, OmegaConfBaseException, OSError) as error:
        raise SystemExit(one_line(error)) from error
    except Exception as error:
        traceback.print_exc()
        raise SystemExit(1) from error


def check_command(config: DictConfig) -> None:
    """Check what a command can only be asked as a whole, whether it is a run or a sweep.

    Raises:
        SettingError: where `resume` is true without having been said on the command line, where it
            is looked for, or Hydra's records would not be where they are looked for.
    """
    if config.get("resume") is True and not earlier.is_asked(config.hydra.overrides.task):
        raise settings.SettingError("resume", "true", "must be given on the command line")
    records = config.hydra.output_subdir
    if records != ".hydra":
        allowed = "must be .hydra, where sweep.csv and resume=true find the overrides"
        raise settings.SettingError("hydra.output_subdir", records, allowed)


def check_sweeping(config: DictConfig) -> None:
    """Check that a sweep has a part that checks its jobs: our sweeper, or our launcher.

    Raises:
        SettingError: where it has not.
    """
    parts = {part: str(config.hydra[part]["_target_"]) for part in ("sweeper", "launcher")}
    if not any(target.startswith(CHECKING) for target in parts.values()):
        chosen = config.hydra.runtime.choices["hydra/launcher"]
        allowed = "trains the jobs of hydra/sweeper=checked only; use hydra/launcher=stacked"
        raise settings.SettingError("hydra/launcher", chosen, allowed)


class Preflight(Callback):
    """A Hydra callback that ends a command with one line where it cannot be carried out.

    Hydra makes a run's directory before it calls the task, and a search's sweeper before it has
    jobs; this comes before that. The jobs of a sweep are checked by its sweeper or its launcher.
    """

    def on_run_start(self, config: DictConfig, **kwargs: Any) -> None:
        """Check the one job."""
        with ending_the_command():
            check_command(config)
            if search.is_search(config):
                advice = "searches with -m only; add it"
                raise settings.SettingError("hydra/sweeper", "optuna", advice)
            if earlier.is_asked(config.hydra.overrides.task):
                with open_dict(config):
                    config.hydra.run.dir = earlier.directory(config, "run")
            check_all([config.copy()])
            check_launcher(config)
            check_finished(config.hydra.run.dir, config)
            lock.take(config.hydra.run.dir)

    def on_multirun_start(self, config: DictConfig, **kwargs: Any) -> None:
        """Check what sweeper and launcher cannot."""
        with ending_the_command():
            check_command(config)
            check_sweeping(config)
            if search.is_search(config):
                search.check(config)
