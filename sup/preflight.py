"""Check what a command asks for before anything is written."""

import traceback
from pathlib import Path
from typing import Any

from hydra.experimental.callback import Callback
from omegaconf import DictConfig, OmegaConf, open_dict
from omegaconf.errors import OmegaConfBaseException

from sup import earlier, settings
from sup.errors import one_line


def task_config(config: DictConfig) -> DictConfig:
    """Return a job's config without Hydra's own node, as the job itself will see it."""
    task = config.copy()
    with open_dict(task):
        task.pop("hydra", None)
    return task


def check_all(configs: list[DictConfig]) -> None:
    """Check the configs of all jobs: first what is quick to see, then what needs imports.

    Args:
        configs: each with Hydra's own node, if Hydra composed it.

    Raises:
        SettingError: for the first setting that cannot be.
    """
    tasks = [task_config(config) for config in configs]
    for config, task in zip(configs, tasks, strict=True):
        check_choices(config)
        settings.check(task)
    from sup import checkpoints, parts, stack  # torch takes seconds; typing errors must not wait

    resumed: dict[tuple[str, str], list[str]] = {}
    for task in tasks:
        parts.check_parts(task)
        if isinstance(task.resume, str):
            shared = stack.training_settings(task)
            resumed.setdefault((task.resume, shared), []).extend(stack.instance_settings(task))
    for (path, shared), instances in resumed.items():
        checkpoints.find(path, shared, instances)


def check_finished(directory: str, config: DictConfig) -> None:
    """Check that results in a run's directory, if there are any, are of the same settings.

    Raises:
        SettingError: where they are not.
    """
    if (Path(directory) / "results.nc").exists():
        from sup.restart import is_finished

        is_finished(Path(directory), task_config(config))


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
            check_all([config])
            check_launcher(config)
            check_finished(config.hydra.run.dir, config)
        except (settings.SettingError, OmegaConfBaseException, OSError) as error:
            raise SystemExit(one_line(error)) from error
        except Exception as error:
            traceback.print_exc()
            raise SystemExit(1) from error
