"""From Hydra's jobs to runs: each is described once, checked once, and trained with the others."""

import os
import re
from collections.abc import Sequence
from dataclasses import fields
from math import isfinite
from pathlib import Path
from typing import Any

from hydra.core.hydra_config import HydraConfig
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from sup.cli import rerun
from sup.cli.arguments import as_given
from sup.config.options import VARIABLES
from sup.config.rules import SettingError, unknown
from sup.config.run import Run, sweep_name
from sup.config.settings import GROUPS, Settings, all_settings
from sup.system.processes import cores

Trained = tuple[Run, Any]

LONGEST_NAME = 255
"""Bytes that the name of a file or a directory has at the most, on all usual file systems."""

TRAINED: list[Trained] = []
"""The runs that this command has trained, each with what became of it, for the sweep's page."""


def describe(config: DictConfig, hydra: Any = None) -> Run:
    """Describe the run of a job.

    Args:
        config: what Hydra hands to the job.
        hydra: its own node; None: that of the job which Hydra runs just now.

    Raises:
        SettingError: for the first setting that is not allowed.
    """
    hydra = hydra or HydraConfig.get()
    plain = resolved(config)
    check_variables(config, hydra)
    names = names_of(hydra)
    for group in GROUPS:
        if plain.get(group) and group not in (*hydra.runtime.choices, *names):
            raise SettingError(group, "a list", "a config file can choose one option of a group")
    settings = Settings.of_config(plain, names)
    # What was resumed is still the run that it was.
    overrides = [line for line in as_given(hydra.overrides.task) if not line.startswith("resume=")]
    # Asked for once: each time, OmegaConf parses what it refers to, for a millisecond.
    home = Path(hydra.sweep.dir) if hydra.mode == RunMode.MULTIRUN else None
    place = home / hydra.sweep.subdir if home else Path(hydra.run.dir)
    return Run(
        settings,
        directory=place.absolute(),
        name=str(settings.name or " ".join(overrides) or "defaults"),
        overrides=tuple(overrides),
        group=sweep_name(home) if home else None,
        home=home.absolute() if home else None,
    )


def resolved(config: DictConfig) -> Any:
    """Return a config as plain Python, with what it refers to.

    Raises:
        SettingError: for the first key that refers to what is not there.
    """
    try:
        return OmegaConf.to_container(config, resolve=True)
    except OmegaConfBaseException:  # of the whole, it does not say where it was
        check_references(config, "")
        raise


def check_references(config: DictConfig, above: str) -> None:
    """Check each key of a config, and of those in it, for what it refers to.

    Raises:
        SettingError: for the first that refers to what is not there.
    """
    written: Any = OmegaConf.to_container(config)
    for name in written:
        try:
            held = config[name]
            if isinstance(held, DictConfig):
                check_references(held, f"{above}{name}.")
            elif OmegaConf.is_config(held):
                OmegaConf.to_container(held, resolve=True)
        except OmegaConfBaseException as error:
            reason = f"cannot be resolved: {str(error).partition(chr(10))[0]}"
            raise SettingError(f"{above}{name}", written[name], reason) from error


def check_variables(config: DictConfig, hydra: Any) -> None:
    """Check that each key which is no setting is one that others refer to.

    Raises:
        SettingError: for the first that is not, such as a setting that is misspelt.
    """
    known = {*(one.name for one in fields(Settings)), *VARIABLES, rerun.KEY}
    others = [str(name) for name in config if name not in known]
    if not others:
        return
    parts = [config, hydra.run, hydra.sweep, hydra.job]
    texts = [OmegaConf.to_yaml(part) for part in parts] + as_given(hydra.overrides.hydra)
    referred = set(re.findall(r"\w+", " ".join(re.findall(r"\$\{[^}]*", "\n".join(texts)))))
    for name in others:
        if name not in referred:
            raise unknown(name, config[name], all_settings())


def names_of(hydra: Any) -> dict[str, Any]:
    """Return the option chosen for each config group whose target was not overridden besides.

    That of the loggers is a list, where several were chosen.
    """
    task = as_given(hydra.overrides.task)
    overridden = {line.lstrip("+~").split("=")[0] for line in task}
    return loggers_of(task) | {
        str(group): str(option).removeprefix(rerun.PREFIX)
        for group, option in hydra.runtime.choices.items()
        if group in GROUPS and f"{group}._target_" not in overridden
    }


def loggers_of(overrides: Sequence[str]) -> dict[str, list[str]]:
    """Return the list of loggers that overrides choose, if they do: Hydra keeps none."""
    *_, last = ["", *(line for line in overrides if line.startswith("logger="))]
    if not last.startswith("logger=["):
        return {}
    return {"logger": OverridesParser.create().parse_override(last).value()}  # pyright: ignore[reportReturnType]


def check_directories(runs: Sequence[Run]) -> None:
    """Check that each job writes to a directory of its own.

    Raises:
        SettingError: where two would share one.
    """
    for run in runs:
        check_inside(run)
    directories = [str(run.directory) for run in runs]
    if len(set(directories)) < len(directories):
        shared = next(name for name in directories if directories.count(name) > 1)
        allowed = "gives two jobs one directory"
        raise SettingError("hydra.sweep.subdir", Path(shared).name, allowed)


def check_inside(run: Run) -> None:
    """Check that a job of a sweep writes to a directory within the sweep's, of a name that can be.

    Raises:
        SettingError: where it would not.
    """
    if run.home is None or run.directory is None:
        return
    home, directory = run.home.resolve(), run.directory.resolve()
    inside = Path(os.path.relpath(run.directory, run.home))
    if home not in directory.parents:
        outside = "must be within hydra.sweep.dir, and not that itself"
        raise SettingError("hydra.sweep.subdir", inside, outside)
    if too_long := [part for part in inside.parts if len(os.fsencode(part)) > LONGEST_NAME]:
        short = "has more bytes than a file system's names; the number is ${hydra.job.num}"
        raise SettingError("hydra.sweep.subdir", f"{too_long[0][:60]}...", short)


def train(runs: Sequence[Run], placement: Any = None) -> list[Any]:
    """Train runs, draw their figures, and report on them.

    Args:
        runs: in the order of their jobs.
        placement: where stacks are trained; None: on this machine.

    Returns:
        The results of each run, or the `RunError` that says why it has none.
    """
    from sup.cli.summary import report
    from sup.sweep.draw import draw
    from sup.sweep.train import train as train_runs
    from sup.system.signals import stoppable

    results = train_runs(runs, placement)
    TRAINED.extend(zip(runs, results, strict=True))
    with stoppable():
        draw(runs, results, processes=cores())
    report(runs, results)
    return results


def objective(run: Run, result: Any) -> float | None:
    """Return what a search minimises or maximises.

    Args:
        run: whose settings name it, a variable of the results with a number for each instance.
        result: the results of the run, or why it has none.

    Returns:
        Its mean over the run's instances. None where that is no finite number: Hydra's Optuna
        sweeper then counts the trial as failed and goes on, where NaN would end the search.

    Raises:
        RunError: where the run has no results.
    """
    if isinstance(result, Exception):
        raise result
    mean = float(result[run.settings.objective].mean(skipna=False))
    return mean if isfinite(mean) else None
