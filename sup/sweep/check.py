"""What can be checked of runs before anything is written: all that needs imports, or files."""

import pickle
from collections.abc import Sequence

from sup.config.identity import instance_keys, training_key
from sup.config.rules import SettingError
from sup.config.run import Run
from sup.config.settings import GROUPS
from sup.launch.local import check_present, devices_of
from sup.model.building import check_parts
from sup.sweep.resume import is_finished
from sup.training import checkpoints
from sup.training.loggers import is_wandb


def check(runs: Sequence[Run], placed: bool = False) -> None:
    """Check the runs of one command.

    Args:
        runs: each of their settings is allowed by itself.
        placed: whether their stacks are handed to an engine, and so not trained by this machine.

    Raises:
        SettingError: for the first that cannot be.
    """
    check_processes(runs)
    distinct = {}  # of a thousand similar jobs, a few
    for run in runs:
        parts = [getattr(run.settings, name) for name in (*GROUPS, "callbacks")]
        distinct.setdefault(repr(parts), run.settings)
    for settings in distinct.values():
        check_parts(settings)
        if not placed:
            check_present(settings)
    if any(is_wandb(run.settings.logger) for run in runs):
        from sup.training import wandb_logger

        wandb_logger.mode()  # of the environment, so that each run would fail by it
    for run in runs:
        is_finished(run)
    check_resumed(runs)


def check_processes(runs: Sequence[Run]) -> None:
    """Check that runs which are trained in other processes can be handed to them.

    Raises:
        SettingError: where they cannot.
    """
    devices = devices_of(runs)
    for run in runs if devices not in (1, "auto") else ():
        try:
            pickle.dumps(run.settings.activation)
        except Exception as error:  # as many kinds as there are objects
            name = run.settings.activation.name
            needed = f"needs an activation that other processes can import; {name} is none"
            raise SettingError("stack.devices", devices, needed) from error


def check_resumed(runs: Sequence[Run]) -> None:
    """Check that runs which are to go on from checkpoints of others find theirs there.

    Raises:
        SettingError: for the first that does not.
    """
    resumed: dict[tuple[str, str], list[str]] = {}
    for run in runs:
        if isinstance(run.settings.resume, str):
            key = (run.settings.resume, training_key(run.settings))
            resumed.setdefault(key, []).extend(instance_keys(run.settings))
    for (path, shared), instances in resumed.items():
        checkpoints.find(path, shared, instances)
