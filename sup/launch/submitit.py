"""Stacks as a job array of SLURM, by submitit (its own parts were read in 1.5.4)."""

import logging
import os
import shlex
import signal
from collections.abc import Mapping, Sequence
from contextlib import redirect_stderr
from importlib import import_module
from io import StringIO
from math import inf
from pathlib import Path
from typing import Any

from sup.config.rules import AT_LEAST_ONE, AT_LEAST_ZERO, COUNT, POSITIVE, Rule, SettingError
from sup.launch.placement import (
    SHARE,
    Lost,
    Stack,
    Unit,
    Work,
    counted,
    import_path,
    last_line,
    require,
)
from sup.system import signals
from sup.system.signals import Stopped, stoppable

log = logging.getLogger(__name__)

RULES = {
    "timeout_min": AT_LEAST_ONE,
    "cpus_per_task": AT_LEAST_ONE,
    "gpus_per_node": COUNT,
    "mem_gb": POSITIVE,
    "nodes": Rule("1; a stack is trained on one node", lambda value: value == 1),
    "tasks_per_node": Rule("1; a stack is one task", lambda value: value == 1),
    "array_parallelism": AT_LEAST_ONE,
    "signal_delay_s": AT_LEAST_ZERO,
    "max_num_timeout": COUNT,
    "name": Rule("a word", lambda value: isinstance(value, str)),
    "setup": Rule(
        'a list of shell commands, such as ["module load cuda"]',
        lambda value: isinstance(value, list) and all(isinstance(line, str) for line in value),
    ),
    "additional_parameters": Rule(
        "options of sbatch by name", lambda value: isinstance(value, dict)
    ),
    "stderr_to_stdout": Rule("true or false", lambda value: isinstance(value, bool)),
}
"""What settings may be, beyond the names of submitit's parameters, which it knows; null leaves one
to it."""


class PreemptibleUnit(Unit):
    """A unit that submitit starts again after a time limit or a pre-emption.

    Nothing needs to be saved then: a stack that is started again goes on from its last checkpoint.
    """

    def __call__(self) -> Any:
        """Do the work; signals are submitit's."""
        with stoppable():  # Ctrl-C; SIGTERM is taken
            return super().__call__()

    def checkpoint(self) -> Any:
        """Return what submitit is to start again; then it ends this process by a SystemExit."""
        signals.note(signal.SIGUSR2)  # so that this is not taken for a failure of the stack
        return import_module("submitit.helpers").DelayedSubmission(self)


class Slurm:
    """Stacks as a SLURM job array.

    Args:
        submitit_folder: where job scripts, logs and pickles go; `%j` is the job.
        max_num_timeout: how often a job that reaches its time limit is started again.
        array_parallelism: how many jobs may run at the same time.
        parameters: submitit's own.

    Raises:
        SettingError: where there is no submitit or no SLURM, or a setting is not allowed.
    """

    at_once = 1
    is_here = False

    def __init__(
        self,
        submitit_folder: str,
        max_num_timeout: int,
        array_parallelism: int | None,
        **parameters: Any,
    ):
        require("submitit", "submitit")
        executor = import_module("submitit").SlurmExecutor
        known = import_module("submitit").AutoExecutor._valid_parameters()
        known = known | executor._valid_parameters()
        for name, value in parameters.items():
            if name not in known:
                allowed = f"no such parameter of submitit; there are {', '.join(sorted(known))}"
                raise SettingError(f"hydra.launcher.{name}", value, allowed)
        numbers = {"max_num_timeout": max_num_timeout, "array_parallelism": array_parallelism}
        for name, value in (numbers | parameters).items():
            if value is not None and name in RULES:
                RULES[name].check(f"hydra.launcher.{name}", value)
        if executor.affinity() < 0:
            raise SettingError("hydra/launcher", "submitit_slurm", "finds no SLURM (srun) here")
        self.folder = Path(submitit_folder).absolute()
        self.max_num_timeout = max_num_timeout
        self.array_parallelism = array_parallelism
        self.parameters = {key: value for key, value in parameters.items() if value is not None}

    def memory(self, settings: Any) -> float:
        """Return a share of what a job asks for; infinity if it does not say."""
        asked = self.parameters.get("mem_gb")
        on_gpu = self.parameters.get("gpus_per_node") or self.parameters.get("gres")
        return inf if asked is None or on_gpu else SHARE * asked * 2**30

    def __call__(self, stacks: Sequence[Stack], work: Work) -> list[Any]:
        """Submit a job for each stack, and wait; interrupted, they go on without this command."""
        if not stacks:
            return []
        threads = self.parameters.get("cpus_per_task")
        units = [PreemptibleUnit(work, stack, os.getcwd(), threads) for stack in stacks]
        jobs = self.submit(units)
        logs = os.path.relpath(self.folder).replace("%j", "*")
        log.info("%s handed to SLURM; output: %s/*_log.out", counted(stacks), logs)
        ids = " ".join(dict.fromkeys(job.job_id.split("_")[0] for job in jobs))
        try:
            for job in jobs:
                job.wait()
        except (KeyboardInterrupt, Stopped):
            log.info("\nSLURM's jobs go on without this command; to end them: scancel %s", ids)
            raise
        return [ending(job) for job in jobs]

    def submit(self, units: Sequence[Unit]) -> list[Any]:
        """Submit all jobs as one array.

        Raises:
            SettingError: where sbatch refuses them, with what it says.
        """
        setup = [f"export PYTHONPATH={shlex.quote(import_path())}"]
        options = sbatch_options(self.parameters.get("additional_parameters", {}))
        executor = import_module("submitit").AutoExecutor(
            self.folder, cluster="slurm", slurm_max_num_timeout=self.max_num_timeout
        )
        shared = set(executor._typed_parameters())
        given = self.parameters | {
            "setup": [*setup, *self.parameters.get("setup", [])],
            "additional_parameters": options,
        }
        if self.array_parallelism is not None:
            given["array_parallelism"] = self.array_parallelism
        executor.update_parameters(
            **{key if key in shared else f"slurm_{key}": value for key, value in given.items()}
        )
        errors = import_module("submitit.core.utils")
        try:
            with redirect_stderr(StringIO()):  # submitit prints what the error says
                return executor.submit_array(units)
        except (errors.FailedJobError, errors.FailedSubmissionError) as error:
            reason = " ".join(str(error).split()) or "sbatch failed, and does not say why"
            raise SettingError("hydra/launcher", "submitit_slurm", reason) from error


def ending(job: Any) -> Any:
    """Return what a job of submitit's, which has ended, returned, or how it was lost."""
    error = job.exception()
    if error is None:
        return job.result()
    if job.paths.result_pickle.exists():
        reason = last_line(str(error).split("-" * 22)[1])
    else:
        reason = "was killed, or ended without a result"
    return Lost(f"{reason}; output: {os.path.relpath(job.paths.stdout)}")


def sbatch_options(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return options as sbatch takes them, which knows a flag, or its absence, but no `=False`.

    Without a word on requeue it would be up to the cluster, so false becomes an option of its own.
    """
    options = {
        name: value for name, value in given.items() if value is not None and value is not False
    }
    return options | ({"no-requeue": True} if given.get("requeue") is False else {})
