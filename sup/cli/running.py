"""What a command does by Hydra: one function for every job, and stacks for sweeps."""

import functools
import os
import sys
from collections.abc import Generator
from typing import Any

import hydra
from hydra.core.hydra_config import HydraConfig
from hydra.types import RunMode
from omegaconf import DictConfig

import sup
from sup.cli import configs, rerun, store
from sup.cli.arguments import as_overrides, check_arguments, module_places
from sup.cli.command import Describe
from sup.cli.composing import compose_commands_once


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


def version() -> str:
    """Return our version, and Hydra's."""
    return f"superposition {sup.__version__}, Hydra {hydra.__version__}"


def run(describe: Describe, arguments: list[str]) -> None:
    """Have Hydra make jobs of a command's arguments, and train their runs.

    Args:
        describe: what describes a job.
        arguments: of the command.
    """

    @functools.wraps(describe)
    def task(config: DictConfig) -> Any:
        # With hydra.job.chdir Hydra has gone to the job's directory; paths are the user's.
        os.chdir(HydraConfig.get().runtime.cwd)
        job = Job(describe(config))
        # Our own launcher collects the jobs of a sweep, and trains their runs together.
        return job if trained_together() else train_alone(job)

    given = as_overrides(arguments)
    check_arguments(given)
    sys.path += [place for place in module_places(given) if place not in sys.path]
    store.register()
    compose_commands_once()
    sys.argv[1:] = rerun.register(given)
    hydra.main(version_base="1.3", config_path=str(configs.CONF), config_name="config")(task)()


def trained_together() -> bool:
    """Tell whether the job that Hydra runs just now is one of our own launcher's."""
    config = HydraConfig.get()
    ours = str(config.launcher["_target_"]) == store.LAUNCHER
    return config.mode == RunMode.MULTIRUN and ours


def train_alone(job: Job) -> Any:
    """Train the run of one job."""
    from sup.cli.jobs import train

    (result,) = train([job.run])
    return job.finish(result)
