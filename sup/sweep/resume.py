"""Going on with a command that was repeated in the same directory.

What is finished stays as it is, what was interrupted goes on from its checkpoint.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from omegaconf import DictConfig, OmegaConf

from sup.config.grid import as_dict
from sup.config.run import Run
from sup.config.settings import SettingError
from sup.results.storage import config_text
from sup.sweep.cutting import FOLDER
from sup.training.checkpoints import difference, latest
from sup.training.stack import AROUND, Stack, instance_settings, training_settings

ADVICE = "use another directory (or, in a sweep, give new values after the old ones)"
"""What to do where results stand in the way."""


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
    settings = json.loads(text)
    if decisive(settings) == decisive(as_dict(config)):  # in a tenth of the time of a close look
        return True
    there, here = (
        [training_settings(one), *instance_settings(one)] for one in (held_in(text), config)
    )
    for one, other in zip(there, here, strict=False):
        if one != other:
            reason = difference(json.loads(one), json.loads(other))
            raise SettingError("directory", directory, f"holds results: {reason}; {ADVICE}")
    if len(there) != len(here):
        sizes = f"{len(there) - 1} instances, not {len(here) - 1}"
        raise SettingError("directory", directory, f"holds results of {sizes}; {ADVICE}")
    return True


def check_parts(directory: Path, config: DictConfig) -> None:
    """Check that what was trained of a run, which was cut into parts, are parts of this run.

    Raises:
        SettingError: where they are not.
    """
    shared, own = training_settings(config), instance_settings(config)
    for folder in sorted((directory / FOLDER).glob("*")):
        if (text := config_text(folder)) is None:
            continue
        part = held_in(text)
        one, other = training_settings(part), shared
        if missing := sorted(set(instance_settings(part)) - set(own)):
            one, other = missing[0], own[0]
        if one != other:
            reason = difference(json.loads(one), json.loads(other))
            raise SettingError("directory", directory, f"holds results: {reason}; {ADVICE}")


def decisive(settings: dict[str, Any]) -> dict[str, Any]:
    """Return the settings of a run without those that decide nothing that is learned."""
    return {key: value for key, value in settings.items() if key not in AROUND}


def held_in(text: str) -> DictConfig:
    """Return the config that results hold as JSON."""
    config = OmegaConf.create(json.loads(text))
    assert isinstance(config, DictConfig)
    return config


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
