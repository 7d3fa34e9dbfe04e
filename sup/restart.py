"""Going on with a command that was repeated in the same directory.

What is finished stays as it is, what was interrupted goes on from its checkpoint.
"""

import json
from pathlib import Path

from omegaconf import DictConfig, OmegaConf

from sup.checkpoints import difference, holding
from sup.results import FILE, load_run
from sup.settings import SettingError
from sup.stack import Stack, instance_settings, training_settings


def is_finished(directory: Path, config: DictConfig) -> bool:
    """Tell whether a run's results are there already.

    Args:
        directory: where it writes.
        config: its config.

    Raises:
        SettingError: where there are results of other settings.
    """
    if not (directory / FILE).exists():
        return False
    held = OmegaConf.create(json.loads(load_run(directory).attrs["config"]))
    assert isinstance(held, DictConfig)
    there, here = ([training_settings(one), *instance_settings(one)] for one in (held, config))
    for one, other in zip(there, here, strict=False):
        if one != other:
            reason = difference(json.loads(one), json.loads(other))
            raise SettingError("directory", directory, f"holds results: {reason}")
    if len(there) != len(here):
        sizes = f"{len(there) - 1} instances, not {len(here) - 1}"
        raise SettingError("directory", directory, f"holds results of {sizes}")
    return True


def interrupted(stack: Stack) -> Path | None:
    """Return the checkpoint that an earlier command left of this stack, if there is one."""
    shared = training_settings(stack.config)
    home = stack.checkpoint.parent.parent
    # The last run that is left of a sweep's stack has its checkpoint above its own directory.
    for folder in (home, home.parent):
        if found := holding(folder / "checkpoints", shared, stack.instances):
            return found
    return None
