"""Stacks as tasks of Ray."""

import logging
import os
import signal
import threading
from collections.abc import Mapping, Sequence
from importlib import import_module
from math import inf
from typing import Any

from sup.config.rules import AT_LEAST_ZERO
from sup.launch.placement import (
    Lost,
    Stack,
    Unit,
    Work,
    counted,
    import_path,
    last_line,
    require,
)
from sup.system.signals import asked, stop_if_asked

log = logging.getLogger(__name__)


class Ray:
    """Stacks as tasks of Ray, on this machine or on a Ray cluster.

    Args:
        ray: `init`, the arguments of `ray.init`, and `remote`, those of `ray.remote`.

    Raises:
        SettingError: where Ray is not installed, or a setting is not allowed.
    """

    at_once = 1
    is_here = False

    def __init__(self, ray: Mapping[str, Any]):
        require("ray", "ray")
        self.init = {key: value for key, value in ray["init"].items() if value is not None}
        self.remote = {key: value for key, value in ray["remote"].items() if value is not None}
        for name in ("num_cpus", "num_gpus"):
            value = self.remote.get(name, 0)
            AT_LEAST_ZERO.check(f"hydra.launcher.ray.remote.{name}", value)

    def memory(self, settings: Any) -> float:
        """Return infinity: the nodes are not known here."""
        return inf

    def __call__(self, stacks: Sequence[Stack], work: Work) -> list[Any]:
        """Hand each stack to Ray, and wait."""
        if not stacks:
            return []
        ray = import_module("ray")
        if not ray.is_initialized():
            self.start()
        threads = int(self.remote.get("num_cpus", 0)) or None
        remote = ray.remote(**self.remote)(run_unit)
        references = [remote.remote(Unit(work, stack, os.getcwd(), threads)) for stack in stacks]
        address = ray.get_runtime_context().gcs_address
        log.info("%s handed to Ray at %s; output: %s", counted(stacks), address, self.logs())
        try:
            return [self.ending(reference) for reference in references]
        except BaseException:  # above all Ctrl-C: what nobody waits for should not run on
            for reference in references:
                ray.cancel(reference, force=True)
            if asked():
                log.info("\ninterrupted; Ray's tasks are ended, and go on when this is repeated")
            stop_if_asked()  # Ray turns Stopped into an end with status 1
            raise

    def start(self) -> None:
        """Start Ray on this machine, or join a cluster."""
        ray = import_module("ray")
        # A command without an account sends nothing to anyone.
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
        given = dict(self.init.get("runtime_env") or {})
        variables = {"PYTHONPATH": import_path(), **given.get("env_vars", {})}
        on_sigterm = signal.getsignal(signal.SIGTERM)
        ray.init(**self.init | {"runtime_env": given | {"env_vars": variables}})
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, on_sigterm)  # Ray's would abort the command

    def logs(self) -> str:
        """Return where the tasks' output goes, on the node that each runs on."""
        ray = import_module("ray")
        return f"{ray.get_runtime_context().get_temp_dir()}/session_latest/logs/worker-*.out"

    def ending(self, reference: Any) -> Any:
        """Wait for a task and return what it returned, or how it was lost."""
        ray, exceptions = import_module("ray"), import_module("ray.exceptions")
        try:
            return ray.get(reference)
        except exceptions.RayTaskError as error:
            return Lost(last_line(str(error)))
        except exceptions.RayError as error:
            return Lost(f"{type(error).__name__}: {' '.join(str(error).split())}")


def run_unit(unit: Unit) -> Any:
    """Do a unit's work."""
    return unit()
