"""Check what a command asks for before anything is written."""

import traceback
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from hydra.experimental.callback import Callback
from omegaconf import DictConfig, OmegaConf, open_dict
from omegaconf.errors import OmegaConfBaseException

from sup import earlier, lock, settings
from sup.errors import one_line
from sup.targets import used


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
    resuming = []
    for config in configs:
        check_choices(config)
        task = without_hydra(config)
        settings.check(task)
        distinct.setdefault(used(task), task)
        if isinstance(task.resume, str):
            resuming.append(task)
    from sup import checkpoints, parts, stack  # torch takes seconds; typing errors must not wait

    for task in distinct.values():
        parts.check_parts(task)
    resumed: dict[tuple[str, str], list[str]] = {}
    for task in resuming:
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
        from sup import restart

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


def check_launcher(config: DictConfig) -> None:
    """Check that a run of its own is not to be handed to a cluster: only sweeps have a launcher.

    Raises:
        SettingError: where the run would be trained here all the same.
    """
    if OmegaConf.select(config, "hydra.launcher.placement") is not None:
        chosen = config.hydra.runtime.choices["hydra/launcher"]
        advice = "takes sweeps; add -m, which for one run makes a sweep of one"
        raise settings.SettingError("hydra/launcher", chosen, advice)


class Preflight(Callback):
    """A Hydra callback that ends a single run with one line where it cannot be carried out.

    Hydra makes a run's directory before it calls the task; this comes before that. The jobs of a
    sweep are checked by its sweeper. Hydra turns a callback's exception into a warning, so the one
    that ends the command is a SystemExit.
    """

    def on_run_start(self, config: DictConfig, **kwargs: Any) -> None:
        """Check the one job."""
        try:
            if earlier.is_asked(config.hydra.overrides.task):
                with open_dict(config):
                    config.hydra.run.dir = earlier.directory(config, "run")
            check_all([config.copy()])
            check_launcher(config)
            check_finished(config.hydra.run.dir, config)
            lock.take(config.hydra.run.dir)
        except (settings.SettingError, OmegaConfBaseException, OSError) as error:
            raise SystemExit(one_line(error)) from error
        except Exception as error:
            traceback.print_exc()
            raise SystemExit(1) from error
