"""A command: one function for every Hydra job, errors in one line, and stacks for sweeps."""

import functools
import os
import re
import sys
from collections.abc import Callable, Generator, Sequence
from pathlib import Path
from typing import Any

import hydra
from omegaconf import DictConfig

import sup
from sup.cli import errors, store
from sup.config.rules import SettingError
from sup.config.settings import GROUPS
from sup.system import messages

CONF = Path(sup.__file__).parent / "conf"

Describe = Callable[[DictConfig], Generator[Any, Any, Any]]
"""Yields a job's `Run`, is sent what became of it, and returns what a search judges it by."""


class Job:
    """A job that has described its run, and waits for what becomes of it.

    Args:
        steps: what its function has returned.
    """

    def __init__(self, steps: Generator[Any, Any, Any]):
        self.steps = steps
        self.run = next(steps)

    def finish(self, result: Any) -> Any:
        """Let the job go on with what became of its run, and return what it returns.

        Raises:
            RunError: where it has failed, and the job does not say otherwise.
        """
        try:
            self.steps.send(result)
        except StopIteration as end:
            return end.value
        raise RuntimeError("a job describes one run: it may yield once")


def command(describe: Describe) -> Callable[[], None]:
    """Make a command of a function that describes a job."""

    @functools.wraps(describe)
    def task(config: DictConfig) -> Any:
        job = Job(describe(config))
        # Our own launcher collects the jobs of a sweep, and trains their runs together.
        return job if trained_together() else train_alone(job)

    def main() -> None:
        with errors.reported():
            if os.getcwd() not in sys.path:  # where a user's own modules are found, as by python -m
                sys.path.append(os.getcwd())
            messages.show()
            check_options(sys.argv[1:])
            store.register()
            hydra.main(version_base="1.3", config_path=str(CONF), config_name="config")(task)()

    return main


def check_options(arguments: Sequence[str]) -> None:
    """Check that each config group has one option: Hydra would merge a list of them into one.

    But for loggers, of which a run may have several.

    Raises:
        SettingError: for the first group with a list.
    """
    for argument in arguments:
        group, _, option = argument.partition("=")
        one = group in (*GROUPS, "callbacks") and group != "logger"
        if one and option.startswith("["):
            advice = f"takes one option; for a sweep: -m {group}={option.strip('[]')}"
            if group == "importance" and re.fullmatch(r"[\[\]\d.,eE+\s-]+", option):
                advice = f"takes an option; that of each feature: {group}=explicit "
                advice += f"{group}.values={option}"
            raise SettingError(group, option, advice)


def trained_together() -> bool:
    """Tell whether the job that Hydra runs just now is one of our own launcher's."""
    from hydra.core.hydra_config import HydraConfig
    from hydra.types import RunMode

    config = HydraConfig.get()
    ours = str(config.launcher["_target_"]) == store.LAUNCHER
    return config.mode == RunMode.MULTIRUN and ours


def train_alone(job: Job) -> Any:
    """Train the run of one job."""
    from sup.cli.jobs import train

    (result,) = train([job.run])
    return job.finish(result)
