"""Stacks as jobs of submitit: on SLURM, or as processes on this machine."""

import os
import shlex
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stderr
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from io import StringIO
from pathlib import Path
from typing import Any

from sup.config.settings import SettingError
from sup.launch.placement import Stack, Unit, Work, counted, import_path, last_line, require
from sup.launch.submitit_settings import check_parameter, sbatch_options
from sup.system.lifeline import end_after, held, let_go
from sup.system.signals import Stopped, stoppable


class PreemptibleUnit(Unit):
    """A unit that submitit starts again after a time limit or a pre-emption.

    Nothing needs to be saved then: a stack that is started again goes on from its last checkpoint.
    """

    def __call__(self) -> None:
        """Do the work; signals are submitit's."""
        leave_signals_alone()
        with stoppable():  # Ctrl-C; SIGTERM is taken
            super().__call__()

    def checkpoint(self) -> Any:
        """Return what submitit is to start again."""
        return import_module("submitit.helpers").DelayedSubmission(self)


@dataclass
class LocalUnit(PreemptibleUnit):
    """A unit that ends with the command that waits for it: repeated, there would be two at work.

    Args:
        held: a file that the command holds.
    """

    held: str = ""

    def __call__(self) -> None:
        """Do the work, unless the command ends before."""
        end_after(partial(let_go, self.held))
        super().__call__()


def leave_signals_alone() -> None:
    """Keep Lightning from ending the training, as if all were well, when SIGTERM arrives.

    SLURM sends it first when it pre-empts a job; submitit waits for the signal that it asked for,
    and has the job queued again. An end before that would pass for the end of the work. Lightning
    2.6.6 knows no setting for it.
    """
    if "lightning.pytorch" not in sys.modules:
        return  # work that trains has imported it when it was unpickled; seconds, for nothing else
    from lightning.pytorch.trainer.connectors.signal_connector import _SignalConnector

    setattr(_SignalConnector, "register_signal_handlers", lambda connector: None)  # noqa: B010


class Submitit:
    """Stacks as jobs of submitit.

    Args:
        submitit_folder: where job scripts, logs and pickles go; `%j` is the job.
        max_num_timeout: how often a job that reaches its time limit is started again.
        array_parallelism: how many jobs may run at the same time.
        parameters: submitit's own.

    Raises:
        SettingError: where submitit is not installed, or a setting is not allowed.
    """

    cluster: str

    def __init__(
        self,
        submitit_folder: str,
        max_num_timeout: int,
        array_parallelism: int | None,
        **parameters: Any,
    ):
        require("submitit", "submitit")
        self.check_names(parameters)
        numbers = {"max_num_timeout": max_num_timeout, "array_parallelism": array_parallelism}
        for name, value in (numbers | parameters).items():
            if value is not None:
                check_parameter(name, value)
        self.folder = Path(submitit_folder).absolute()
        self.max_num_timeout = max_num_timeout
        self.array_parallelism = array_parallelism
        self.parameters = {key: value for key, value in parameters.items() if value is not None}

    def __call__(self, stacks: Sequence[Stack], work: Work) -> list[str | None]:
        """Hand each stack to submitit, and wait."""
        if not stacks:
            return []
        threads = self.parameters.get("cpus_per_task")
        units = [PreemptibleUnit(work, stack, os.getcwd(), threads) for stack in stacks]
        logs = os.path.relpath(self.folder).replace("%j", "*")
        print(f"{counted(stacks)} handed to submitit ({self.cluster}); output: {logs}/*_log.out")
        return [ending(job) for job in self.jobs(units)]

    def jobs(self, units: Sequence[Unit]) -> list[Any]:
        """Return the jobs, when all have ended."""
        raise NotImplementedError

    def executor_class(self) -> Any:
        """Return submitit's executor of such jobs."""
        raise NotImplementedError

    def check_names(self, parameters: Mapping[str, Any]) -> None:
        """Check that submitit knows these parameters: it says so only when jobs are submitted.

        Raises:
            SettingError: for the first that it does not know.
        """
        shared = import_module("submitit").AutoExecutor._valid_parameters()
        known = shared | self.executor_class()._valid_parameters()
        for name in parameters:
            if name not in known:
                allowed = f"no such parameter of submitit; there are {', '.join(sorted(known))}"
                raise SettingError(f"hydra.launcher.{name}", parameters[name], allowed)

    def executor(self, **parameters: Any) -> Any:
        """Return what submits jobs."""
        submitit = import_module("submitit")
        name = f"{self.cluster}_max_num_timeout"
        made = submitit.AutoExecutor(
            self.folder, cluster=self.cluster, **{name: self.max_num_timeout}
        )
        shared = set(made._typed_parameters())
        given = self.parameters | parameters
        made.update_parameters(
            **{key if key in shared else f"{self.cluster}_{key}": given[key] for key in given}
        )
        return made


class Local(Submitit):
    """Stacks as processes on this machine, as many at a time as there are CPUs for."""

    cluster = "local"

    def executor_class(self) -> Any:
        """Return submitit's executor of processes."""
        return import_module("submitit").LocalExecutor

    def jobs(self, units: Sequence[Unit]) -> list[Any]:
        """Submit a further job whenever one has ended; submitit would start all at once."""
        cpus = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
        most = self.array_parallelism or max(1, (cpus or 1) // (units[0].threads or 1))
        jobs: list[Any] = []
        with held() as file:
            try:
                for job in self.submitted([LocalUnit(**vars(unit), held=file) for unit in units]):
                    jobs.append(job)
                    while sum(not job.done() for job in jobs) >= most:
                        time.sleep(0.2)
                for job in jobs:
                    job.wait()
            except BaseException:  # above all Ctrl-C: what nobody waits for should not run on
                end(jobs)
                raise
        return jobs

    def submitted(self, units: Sequence[Unit]) -> Iterator[Any]:
        """Yield a job for each unit, submitted when it is asked for."""
        executor = self.executor()
        paths = import_module("submitit.core.utils").JobPaths
        log = paths.get_first_id_independent_folder(self.folder) / "controllers.log"
        for unit in units:
            # Each job's controller has standard error, and would print there how Ctrl-C ended it.
            with environment(PYTHONPATH=import_path()), errors_to(log):
                job = executor.submit(unit)
            yield job


def end(jobs: Sequence[Any]) -> None:
    """End jobs of submitit's on this machine."""
    time.sleep(2)  # Ctrl-C in a terminal has reached the jobs too, and they are ending
    for job in jobs:
        if not job.done():
            job.cancel()
    for job in jobs:
        job.wait()


class Slurm(Submitit):
    """Stacks as a SLURM job array.

    Raises:
        SettingError: beside those of `Submitit`, where there is no SLURM.
    """

    cluster = "slurm"

    def __init__(self, **settings: Any):
        super().__init__(**settings)
        if self.executor_class().affinity() < 0:
            raise SettingError("hydra/launcher", "submitit_slurm", "finds no SLURM (srun) here")

    def executor_class(self) -> Any:
        """Return submitit's executor of SLURM jobs."""
        return import_module("submitit").SlurmExecutor

    def submit(self, units: Sequence[Unit]) -> list[Any]:
        """Submit all jobs as one array.

        Raises:
            SettingError: where sbatch refuses them, with what it says.
        """
        setup = [f"export PYTHONPATH={shlex.quote(import_path())}"]
        options = sbatch_options(self.parameters.get("additional_parameters", {}))
        executor = self.executor(
            setup=[*setup, *self.parameters.get("setup", [])], additional_parameters=options
        )
        if self.array_parallelism is not None:
            executor.update_parameters(slurm_array_parallelism=self.array_parallelism)
        errors = import_module("submitit.core.utils")
        try:
            with redirect_stderr(StringIO()):  # submitit prints what the error says
                return executor.submit_array(units)
        except (errors.FailedJobError, errors.FailedSubmissionError) as error:
            reason = " ".join(str(error).split()) or "sbatch failed, and does not say why"
            raise SettingError("hydra/launcher", "submitit_slurm", reason) from error

    def jobs(self, units: Sequence[Unit]) -> list[Any]:
        """Submit the jobs and wait; interrupted, they go on without this command."""
        jobs = self.submit(units)
        ids = " ".join(dict.fromkeys(job.job_id.split("_")[0] for job in jobs))
        try:
            for job in jobs:
                job.wait()
        except (KeyboardInterrupt, Stopped):
            print(f"\nSLURM's jobs go on without this command; to end them: scancel {ids}")
            raise
        return jobs


def ending(job: Any) -> str | None:
    """Return why a job of submitit failed, in one line, and where more is said; None if it did not.

    Args:
        job: one that has ended.
    """
    error = job.exception()
    if error is None:
        return None
    if job.paths.result_pickle.exists():
        trace = str(error).split("-" * 22)[1]
        reason = last_line(trace)
    else:
        reason = "was killed, or ended without a result"
    return f"{reason}; output: {os.path.relpath(job.paths.stdout)}"


@contextmanager
def environment(**variables: str) -> Iterator[None]:
    """Set environment variables for the processes that are started in the meantime."""
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


@contextmanager
def errors_to(path: Path) -> Iterator[None]:
    """Write to a file what this process, and those started meanwhile, write to standard error."""
    before = os.dup(2)
    try:
        with path.open("a") as file:
            os.dup2(file.fileno(), 2)
            yield
    finally:
        os.dup2(before, 2)
        os.close(before)
