"""What can be checked of runs before anything is written: all that needs imports, or files."""

import os
import pickle
from collections.abc import Sequence

import torch

from sup.config.identity import instance_keys, stack_key, training_key
from sup.config.rules import SettingError
from sup.config.run import Run
from sup.config.settings import GROUPS, Settings
from sup.config.several import is_wandb
from sup.config.trainer import check_environment
from sup.launch.gpus import check_present
from sup.launch.local import devices_of, local_placement
from sup.model.building import check_lightnings, check_parts
from sup.model.contract import check_activation, check_on_device
from sup.model.data import check_inputs
from sup.sweep.memory import GIB, allowed_memory, needed
from sup.sweep.places import check_places
from sup.sweep.resume import is_finished
from sup.training import checkpoints
from sup.training.contract import check_optimizer
from sup.training.devices import accelerator_of
from sup.training.slice import Slice
from sup.training.stack import Stack

SIZES = ("n_features", "n_hidden", "batch_size")
"""Settings that decide how much memory a single model takes."""


def check(runs: Sequence[Run], placed: bool = False) -> None:
    """Check the runs of one command.

    Args:
        runs: each of their settings is allowed by itself.
        placed: whether their stacks are handed to an engine, and so not trained by this machine.

    Raises:
        SettingError: for the first that cannot be.
    """
    check_environment(os.environ)
    check_processes(runs)
    distinct = {}  # of a thousand similar jobs, a few
    for run in runs:
        names = (*GROUPS, "callbacks", "steps", "n_features", "n_hidden")
        parts = [getattr(run.settings, name) for name in names]
        distinct.setdefault(repr(parts), run.settings)
    for settings in distinct.values():
        check_settings(settings)
        if not placed:
            check_present(settings)
            check_there(settings)
    if not placed:
        check_memory(runs)
    inputs = {}  # sparsity, which parts do not have, decides whether features can be
    for run in runs:
        own = run.settings
        inputs.setdefault(repr((own.features, own.magnitude, own.model, own.sparsity)), own)
        _ = Slice(run, range(run.size)).start  # may come out of a file
    for settings in inputs.values():
        check_inputs(settings)
    check_places(runs)
    for run in runs:
        is_finished(run)
    check_resumed(runs)
    for settings in distinct.values():  # at last, as what they import takes seconds
        check_optimizer(settings)
        check_lightnings(settings)
    if logged := [run for run in runs if is_wandb(run.settings.logger)]:
        from sup.training import wandb_mode

        wandb_mode.check_environment(len(logged), runs[0].group is not None)
        if not placed:  # elsewhere, each process finds out by itself
            wandb_mode.settle(str(runs[0].home or runs[0].directory))


def check_settings(settings: Settings) -> None:
    """Check that all of the mathematics is there, takes its parameters and keeps its contract.

    Raises:
        SettingError: for the first that does not.
    """
    check_parts(settings)
    check_activation(settings)


def check_there(settings: Settings) -> None:
    """Check that the activation works on the device where it will be trained, if it is a GPU.

    Raises:
        SettingError: where it does not.
    """
    accelerator = accelerator_of(settings)
    if accelerator in ("cuda", "mps"):
        check_on_device(settings, torch.device(accelerator))


def check_memory(runs: Sequence[Run]) -> None:
    """Check that a single model of each run finds room on this machine.

    Raises:
        SettingError: where one does not.
    """
    place = local_placement(runs)
    for run in {stack_key(run.settings): run for run in runs}.values():
        settings = run.settings
        allowed = allowed_memory(settings, place)
        wanted = needed(Stack((Slice(run, range(1)),)))
        if wanted > allowed:
            sizes = {name: getattr(settings, name) for name in SIZES}
            key = max(sizes, key=lambda name: sizes[name])
            others = ", ".join(f"{name}={value}" for name, value in sizes.items() if name != key)
            takes = f"one model would take {wanted / GIB:.2g} GiB of memory"
            room = f"{allowed / GIB:.2g} are allowed (stack.max_memory)"
            raise SettingError(key, sizes[key], f"with {others} {takes}; {room}")


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
