"""Hydra's sweeper for `-m`: its basic one, with every job checked before anything is written.

Hydra finds sweepers in the namespace package `hydra_plugins` and nowhere else, so this stands
beside `sup` and not in it. It is imported with every command and must stay light.
"""

from typing import Any

from hydra._internal.core_plugins.basic_sweeper import BasicSweeper
from hydra.core.config_loader import ConfigLoader
from hydra.core.config_store import ConfigStore
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig, OmegaConf, open_dict

from sup import earlier
from sup.errors import RunError
from sup.preflight import check_all, check_finished
from sup.settings import SettingError


class RememberingLoader:
    """A config loader that composes each job once, though sweeper and launcher both ask for it.

    Composing takes 90 ms; copying what was composed takes 3.
    """

    def __init__(self, loader: ConfigLoader):
        self._loader = loader
        self._composed: dict[tuple[str, ...], DictConfig] = {}

    def __getattr__(self, name: str) -> Any:
        return getattr(self._loader, name)

    def load_sweep_config(
        self, master_config: DictConfig, sweep_overrides: list[str]
    ) -> DictConfig:
        """Return the config of a job, of which the caller may change its own copy."""
        key = tuple(sweep_overrides)
        if key not in self._composed:
            self._composed[key] = self._loader.load_sweep_config(master_config, sweep_overrides)
        return self._composed[key].copy()


class CheckedSweeper(BasicSweeper):
    """Hydra's basic sweeper, but a job that cannot run is found before the first is started."""

    def setup(
        self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig
    ) -> None:
        """Set up sweeper and launcher with a loader that remembers."""
        loader: Any = RememberingLoader(hydra_context.config_loader)
        remembering = HydraContext(config_loader=loader, callbacks=hydra_context.callbacks)
        super().setup(hydra_context=remembering, task_function=task_function, config=config)

    def sweep(self, arguments: list[str]) -> Any:
        """Check the config of every job, then run them all."""
        assert self.hydra_context is not None
        assert self.config is not None
        # Once resolved here, the time in it is the same for every job that is composed below.
        OmegaConf.select(self.config, "hydra.sweep.dir")
        if earlier.is_asked(arguments):
            found = earlier.directory(self.config, "sweep")
            with open_dict(self.config):
                self.config.hydra.sweep.dir = found
                self.config.hydra.overrides.hydra.append(f"hydra.sweep.dir='{found}'")
        loader = self.hydra_context.config_loader
        parser = OverridesParser.create(config_loader=loader)
        # Hydra would sweep over an experiment's parameters and over the user's own of that name.
        given = {override.key_or_group for override in parser.parse_overrides(arguments)}
        self.params = {key: value for key, value in (self.params or {}).items() if key not in given}
        overrides = parser.parse_overrides([*self._parse_config(), *arguments])
        (jobs,) = self.split_arguments(overrides, max_batch_size=None)
        configs = [loader.load_sweep_config(self.config, job) for job in jobs]
        check_all(configs)
        check_directories(configs)
        for config in configs:
            check_finished(f"{config.hydra.sweep.dir}/{config.hydra.sweep.subdir}", config)
        try:
            return super().sweep(arguments)
        except RunError:
            return []  # the sweep's page, which comes after this, says which


def check_directories(configs: list[DictConfig]) -> None:
    """Check that each job writes to a directory of its own.

    Raises:
        SettingError: where two would share one.
    """
    subdirs = set()
    for number, config in enumerate(configs):
        with open_dict(config):
            config.hydra.job.num = config.hydra.job.id = number
        subdirs.add(config.hydra.sweep.subdir)
    if len(subdirs) < len(configs):
        raise SettingError("hydra.sweep.subdir", min(subdirs), "gives two jobs one directory")


ConfigStore.instance().store(
    group="hydra/sweeper",
    name="checked",
    node={
        "_target_": f"{__name__}.{CheckedSweeper.__name__}",
        "max_batch_size": None,
        "params": None,
    },
    provider="superposition",
)
