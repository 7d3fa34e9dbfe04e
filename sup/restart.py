"""Going on with a command that was repeated in the same directory.

What is finished stays as it is, what was interrupted goes on from its checkpoint.
"""

import json
from collections.abc import Sequence
from pathlib import Path

from omegaconf import DictConfig, OmegaConf

from sup.checkpoints import difference, latest
from sup.results import config_text
from sup.run import Run
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
    text = config_text(directory)
    if text is None:
        return False
    held = OmegaConf.create(json.loads(text))
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


def pieces(runs: Sequence[Run]) -> list[tuple[Stack, Path | None]]:
    """Put runs of one stack together with those that go on from the same checkpoint.

    Args:
        runs: that share all but their own settings.

    Returns:
        Stacks, each with the checkpoint that an earlier command left of its runs, or None.
    """
    groups: dict[Path | None, list[Run]] = {}
    for run in runs:
        shared, own = training_settings(run.config), instance_settings(run.config)
        groups.setdefault(latest(around(run), shared, own), []).append(run)
    return [(Stack(tuple(group)), checkpoint) for checkpoint, group in groups.items()]


def around(run: Run) -> list[Path]:
    """Return where checkpoints that hold a run can be: beside it, or above, for a stack of runs."""
    whole = run
    while whole.whole is not None:
        whole = whole.whole
    home = (run.home or whole.directory).absolute()
    folders = (run.directory.absolute() / "-").parents
    inside = [folder for folder in folders if folder.is_relative_to(home)]
    return [folder / "checkpoints" for folder in inside]
