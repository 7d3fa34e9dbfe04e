"""A run: one Hydra job, one grid of instances, one output directory, one logger."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from hydra.core.hydra_config import HydraConfig
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf

from sup.grid import Grid, as_dict


@dataclass(frozen=True, eq=False)
class Run:
    """One Hydra job.

    Args:
        config: its config, resolved and without Hydra's own node.
        directory: where it writes.
        name: its overrides, or the name that the user gave it.
        group: the sweep it belongs to; None for a run of its own.
    """

    config: DictConfig
    directory: Path
    name: str
    group: str | None = None

    @classmethod
    def of_job(cls, config: DictConfig) -> "Run":
        """Describe the Hydra job that is now being run; `config` is what Hydra hands to it."""
        hydra = HydraConfig.get()
        OmegaConf.resolve(config)
        overrides = " ".join(hydra.overrides.task)
        swept = hydra.mode == RunMode.MULTIRUN
        return cls(
            config=config,
            directory=Path(hydra.runtime.output_dir),
            name=config.name or overrides or "defaults",
            group=sweep_name(Path(hydra.sweep.dir)) if swept else None,
        )

    @cached_property
    def grid(self) -> Grid:
        """The instances that this run trains."""
        return Grid.of(self.config)

    @property
    def settings(self) -> dict:
        """The whole config as plain Python."""
        return as_dict(self.config)


def sweep_name(directory: Path) -> str:
    """Name a sweep by the last two parts of its directory, which are a date and a time."""
    return "/".join(directory.absolute().parts[-2:])
