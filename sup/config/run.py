"""A run: one Hydra job, one grid of instances, one output directory, one logger."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from hydra.core.hydra_config import HydraConfig
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf

from sup.config.grid import Grid, as_dict


@dataclass(frozen=True, eq=False)
class Run:
    """One Hydra job.

    Args:
        config: its config, resolved and without Hydra's own node.
        directory: where it writes.
        name: its overrides, or the name that the user gave it.
        group: the sweep it belongs to; None for a run of its own.
        number: its place in the sweep.
        choices: the options chosen for the config groups, such as activation: relu.
        whole: the run that this is a part of, where one is too large to be trained at once.
        home: the directory that it shares with the runs of its sweep; None: the one above its own.
    """

    config: DictConfig
    directory: Path
    name: str
    group: str | None = None
    number: int = 0
    choices: Mapping[str, str] = field(default_factory=dict)
    whole: "Run | None" = None
    home: Path | None = None

    @classmethod
    def of_job(cls, config: DictConfig) -> "Run":
        """Describe the Hydra job that is now being run; `config` is what Hydra hands to it."""
        hydra = HydraConfig.get()
        # Not OmegaConf.resolve, which cannot put a list where an interpolation stood.
        config = OmegaConf.create(as_dict(config))
        # What was resumed is still the run that it was.
        overrides = " ".join(one for one in hydra.overrides.task if not one.startswith("resume="))
        swept = hydra.mode == RunMode.MULTIRUN
        return cls(
            config=config,
            directory=Path(hydra.runtime.output_dir),
            name=str(config.name or overrides or "defaults"),
            group=sweep_name(Path(hydra.sweep.dir)) if swept else None,
            number=hydra.job.num if swept else 0,
            choices=own_choices(hydra),
            home=Path(hydra.sweep.dir).absolute() if swept else None,
        )

    @cached_property
    def grid(self) -> Grid:
        """The instances that this run trains."""
        return Grid.of(self.config)

    @property
    def settings(self) -> dict:
        """The whole config as plain Python."""
        return as_dict(self.config)


def own_choices(hydra: Any) -> dict[str, str]:
    """Return the option chosen for each config group whose target was not overridden besides."""
    overridden = {str(key).lstrip("+~").split("=")[0] for key in hydra.overrides.task}
    return {
        str(group): str(option)
        for group, option in hydra.runtime.choices.items()
        if f"{group}._target_" not in overridden
    }


def sweep_name(directory: Path) -> str:
    """Name a sweep by the last two parts of its directory, which are a date and a time."""
    return "/".join(directory.absolute().parts[-2:])
