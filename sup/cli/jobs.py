"""From Hydra's jobs to runs: each is described once, checked once, and trained with the others."""

import os
from collections.abc import Sequence
from math import isfinite
from pathlib import Path
from typing import Any

from hydra.core.hydra_config import HydraConfig
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf

from sup.config.rules import SettingError
from sup.config.run import Run, sweep_name
from sup.config.settings import GROUPS, Settings

Trained = tuple[Run, Any]

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
    plain: Any = OmegaConf.to_container(config, resolve=True)
    names = names_of(hydra)
    for group in GROUPS:
        if plain.get(group) and group not in (*hydra.runtime.choices, *names):
            raise SettingError(group, "a list", "a config file can choose one option of a group")
    settings = Settings.of_config(plain, names)
    # What was resumed is still the run that it was.
    overrides = [line for line in hydra.overrides.task if not line.startswith("resume=")]
    swept = hydra.mode == RunMode.MULTIRUN
    place = os.path.join(hydra.sweep.dir, hydra.sweep.subdir) if swept else hydra.run.dir
    return Run(
        settings,
        directory=Path(place).absolute(),
        name=str(settings.name or " ".join(overrides) or "defaults"),
        overrides=tuple(overrides),
        group=sweep_name(Path(hydra.sweep.dir)) if swept else None,
        home=Path(hydra.sweep.dir).absolute() if swept else None,
    )


def names_of(hydra: Any) -> dict[str, Any]:
    """Return the option chosen for each config group whose target was not overridden besides.

    That of the loggers is a list, where several were chosen.
    """
    overridden = {str(line).lstrip("+~").split("=")[0] for line in hydra.overrides.task}
    return loggers_of(hydra.overrides.task) | {
        str(group): str(option)
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
    directories = [str(run.directory) for run in runs]
    if len(set(directories)) < len(directories):
        shared = next(name for name in directories if directories.count(name) > 1)
        allowed = "gives two jobs one directory"
        raise SettingError("hydra.sweep.subdir", Path(shared).name, allowed)


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


def cores() -> int:
    """Return how many processors this process may use."""
    if hasattr(os, "sched_getaffinity"):  # not on macOS
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


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
