"""Compose what Hydra does, in a fraction of its time: a command once, and so each job of a sweep.

To learn whether a command is a sweep Hydra composes its config, and then composes it again; here it
gets what it had.

For every job Hydra reads all its YAML files and merges them anew, though the jobs of a sweep choose
among few options and differ in values. Here it does so once for each choice of options; the values
are put into a copy, by its own function. Hydra's private parts (read: 1.3.8) stand here, and its
basic sweeper's class in the plugin file.
"""

import pickle
import zlib
from collections.abc import Iterable, Sequence
from functools import cache
from typing import Any

from hydra._internal.config_loader_impl import ConfigLoaderImpl, get_overrides_dirname
from hydra._internal.hydra import Hydra
from hydra.core.config_loader import ConfigLoader
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf, open_dict


class Once:
    """What a command was composed to, in the place of Hydra's loading it; once, then Hydra does.

    Args:
        load: Hydra's own.
        command: the name of the config, and the overrides.
        composed: of them, as Hydra composes a sweep to learn of it.
    """

    def __init__(self, load: Any, command: tuple[str | None, list[str]], composed: DictConfig):
        self._load = load
        self._command = command
        # What a sweep may leave open, a single run may not.
        is_open = OmegaConf.missing_keys(composed.hydra.runtime.choices)
        self._composed = None if is_open else composed

    def __call__(
        self,
        config_name: str | None,
        overrides: list[str],
        run_mode: RunMode,
        from_shell: bool = True,
        validate_sweep_overrides: bool = True,
    ) -> DictConfig:
        """Return the config of a command; it is the caller's to change."""
        composed, self._composed = self._composed, None
        name, given = self._command
        asked = [*given, f"hydra.mode={run_mode.name}"]  # as Hydra adds to them what it has learnt
        if composed is None or (config_name, overrides) != (name, asked):
            return self._load(
                config_name, overrides, run_mode, from_shell, validate_sweep_overrides
            )
        if validate_sweep_overrides:
            parsed = OverridesParser.create().parse_overrides(overrides)
            ConfigLoaderImpl.validate_sweep_overrides_legal(parsed, run_mode, from_shell)
        composed.hydra.mode = run_mode
        composed.hydra.overrides.hydra.append(asked[-1])
        return composed


def compose_commands_once() -> None:
    """Have Hydra, in this process, keep the config of which it asks whether it is a sweep's."""
    Hydra.get_mode = _get_mode


def _get_mode(self: Hydra, config_name: str | None, overrides: list[str]) -> Any:
    try:
        composed = self.compose_config(
            config_name,
            overrides,
            run_mode=RunMode.MULTIRUN,
            with_log_configuration=False,
            validate_sweep_overrides=False,
        )
        mode = composed.hydra.mode
    except Exception:  # whatever it is, Hydra meets it again, and says it
        return None
    loader: Any = self.config_loader
    command = (config_name, list(overrides))
    loader.load_configuration = Once(loader.load_configuration, command, composed)
    return mode


class SweepLoader:
    """A config loader for the jobs of one sweep; for all else it is Hydra's own.

    What it returns equals what Hydra composes, and so does what it raises: where it cannot compose
    a job, Hydra does.
    """

    def __init__(self, loader: ConfigLoader):
        self._loader = loader
        self._parse = cache(OverridesParser.create(config_loader=loader).parse_override)
        self._is_group = cache(self._find_group)
        # Pickled, as unpickling takes a sixth of the time of OmegaConf's copy.
        self._options: dict[tuple[str, ...], bytes] = {}
        self._jobs: dict[tuple[str, ...], bytes] = {}

    def __getattr__(self, name: str) -> Any:
        return getattr(self._loader, name)

    def job(self, master: DictConfig, overrides: Iterable[str], number: int) -> DictConfig:
        """Return the config of a job, composed when it is first asked for; the caller's to change.

        Args:
            master: of the sweep.
            overrides: of the job.
            number: its place in the sweep.
        """
        job = tuple(overrides)
        if job not in self._jobs:
            composed = self.load_sweep_config(master, list(job))
            self._jobs[job] = zlib.compress(pickle.dumps(composed), 1)  # a tenth of 100 KB
        config: DictConfig = pickle.loads(zlib.decompress(self._jobs[job]))
        OmegaConf.copy_cache(from_config=master, to_config=config)
        with open_dict(config):
            config.hydra.job.num = config.hydra.job.id = number
        return config

    def knows(self, overrides: Iterable[str]) -> bool:
        """Tell whether a job has been composed before."""
        return tuple(overrides) in self._jobs

    def load_sweep_config(
        self, master_config: DictConfig, sweep_overrides: list[str]
    ) -> DictConfig:
        """Return the config of a job; it is the caller's to change."""
        try:
            return self._compose(master_config, sweep_overrides)
        except Exception:  # whatever it is, Hydra either can do it or says why not
            return self._loader.load_sweep_config(master_config, sweep_overrides)

    def _compose(self, master: DictConfig, job: Sequence[str]) -> DictConfig:
        overrides = [self._parse(text) for text in job]
        if master.hydra.searchpath or any(map(_is_special, overrides)):
            return self._loader.load_sweep_config(master, list(job))
        values = [override for override in overrides if not self._chooses_option(override)]
        chosen = [override for override in overrides if self._chooses_option(override)]
        options = tuple(str(override.input_line) for override in chosen)
        if options not in self._options:
            composed = self._loader.load_sweep_config(master, list(options))
            self._options[options] = pickle.dumps(composed)
        config: DictConfig = pickle.loads(self._options[options])
        ConfigLoaderImpl._apply_overrides_to_config(values, config)
        config.hydra.overrides.task = list(job)
        config.hydra.job.override_dirname = get_overrides_dirname(
            overrides, **config.hydra.job.config.override_dirname
        )
        OmegaConf.copy_cache(from_config=master, to_config=config)
        return config

    def _chooses_option(self, override: Override) -> bool:
        # A dict is merged into a group's node, as Hydra has it.
        return self._is_group(override.key_or_group) and not isinstance(override.value(), dict)

    def _find_group(self, key: str) -> bool:
        return any(source.is_group(key) for source in self._loader.get_sources())


def _is_special(override: Override) -> bool:
    """Tell whether an override is one that Hydra may refuse, or that changes its own node."""
    return override.is_sweep_override() or override.key_or_group.startswith("hydra")
