"""Check what a command asks for before anything is written."""

from typing import Any

from hydra.experimental.callback import Callback
from omegaconf import DictConfig, open_dict
from omegaconf.errors import OmegaConfBaseException

from sup import settings
from sup.errors import one_line


def task_config(config: DictConfig) -> DictConfig:
    """Return a job's config without Hydra's own node, as the job itself will see it."""
    task = config.copy()
    with open_dict(task):
        task.pop("hydra", None)
    return task


def check_all(configs: list[DictConfig]) -> None:
    """Check the configs of all jobs: first what is quick to see, then what needs imports.

    Raises:
        SettingError: for the first setting that cannot be.
    """
    for config in configs:
        settings.check(config)
    from sup import checkpoints, parts, stack  # torch takes seconds; typing errors must not wait

    for config in configs:
        parts.check_targets(config)
        if config.resume is not None:
            shared, instances = stack.training_settings(config), stack.instance_settings(config)
            checkpoints.find(config.resume, shared, instances)


class Preflight(Callback):
    """A Hydra callback that ends a single run with one line where it cannot be carried out.

    Hydra makes a run's directory before it calls the task; this comes before that. The jobs of a
    sweep are checked by its sweeper. Hydra turns a callback's exception into a warning, so the one
    that ends the command is a SystemExit.
    """

    def on_run_start(self, config: DictConfig, **kwargs: Any) -> None:
        """Check the one job."""
        try:
            check_all([task_config(config)])
        except (settings.SettingError, OmegaConfBaseException) as error:
            raise SystemExit(one_line(error)) from error
