"""Where stacks are trained when not in this process: as jobs of submitit (SLURM) or of Ray.

A *placement* is called with stacks and with the work to be done on each. It hands every stack to an
engine as one job, waits for all of them, and says of each how it ended. What a stack leaves behind
lies where it would have been anyway: the engine's machines see the same files as this one.
"""

import os
import shlex
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stderr
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from importlib.util import find_spec
from io import StringIO
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from sup.interruption import Stopped, asked, stop_if_asked, stoppable
from sup.lifeline import end_after, held, let_go
from sup.settings import AT_LEAST_ZERO, SettingError
from sup.submitit_settings import check_parameter, sbatch_options

Stack = Any
"""A stack is handed on here, never looked at; importing its class would import torch."""

Work = Callable[[Stack], None]
"""Trains one stack; picklable, so a function of a module."""


@runtime_checkable
class Placement(Protocol):
    """Has stacks trained somewhere."""

    def __call__(self, stacks: Sequence[Stack], work: Work) -> list[str | None]:
        """Do `work` on each stack, and return when all is done.

        Returns:
            For each stack None, or one line that says why its work did not come to its end.
        """
        ...


@dataclass
class Unit:
    """The work on one stack, as a job of its own.

    Args:
        work: what is to be done.
        stack: on which stack.
        directory: the working directory of the command, for relative paths in the config.
        threads: how many CPUs the engine gives to the job; None: it does not say.
    """

    work: Work
    stack: Stack
    directory: str
    threads: int | None = None

    def __call__(self) -> None:
        """Do the work, in whatever process the engine has started for it."""
        os.chdir(self.directory)
        if self.threads is not None and "OMP_NUM_THREADS" not in os.environ:
            import torch

            torch.set_num_threads(self.threads)
        self.work(self.stack)


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


def import_path() -> str:
    """Return the PYTHONPATH with which a job finds `sup`, and a user's modules beside train.py.

    Those are what this process finds outside of Python's own installation.
    """
    installed = tuple({os.path.join(prefix, "") for prefix in (sys.prefix, sys.base_prefix)})
    paths = [os.path.abspath(path) for path in sys.path if not path or os.path.isdir(path)]
    own = [path for path in paths if not path.startswith(installed)]
    return os.pathsep.join(dict.fromkeys([*own, str(Path(__file__).absolute().parents[1])]))


def require(package: str, extra: str) -> None:
    """Check that an engine is installed.

    Raises:
        SettingError: where it is not.
    """
    if find_spec(package) is None:
        install = f"pip install -c constraints.txt -e '.[{extra}]'"
        raise SettingError("hydra/launcher", extra, f"needs {package}, an extra: {install}")


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


def last_line(trace: str) -> str:
    """Return what a traceback ends with: the exception and its message."""
    return next((line.strip() for line in reversed(trace.splitlines()) if line.strip()), "")


class Ray:
    """Stacks as tasks of Ray, on this machine or on a Ray cluster.

    Args:
        ray: `init`, the arguments of `ray.init`, and `remote`, those of `ray.remote`.

    Raises:
        SettingError: where Ray is not installed, or a setting is not allowed.
    """

    def __init__(self, ray: Mapping[str, Any]):
        require("ray", "ray")
        self.init = {key: value for key, value in ray["init"].items() if value is not None}
        self.remote = {key: value for key, value in ray["remote"].items() if value is not None}
        for name in ("num_cpus", "num_gpus"):
            value = self.remote.get(name, 0)
            if not AT_LEAST_ZERO.admits(value):
                allowed = f"must be {AT_LEAST_ZERO.allowed}"
                raise SettingError(f"hydra.launcher.ray.remote.{name}", value, allowed)

    def __call__(self, stacks: Sequence[Stack], work: Work) -> list[str | None]:
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
        print(f"{counted(stacks)} handed to Ray at {address}; output: {self.logs()}")
        try:
            return [self.ending(reference) for reference in references]
        except BaseException:  # above all Ctrl-C: what nobody waits for should not run on
            for reference in references:
                ray.cancel(reference, force=True)
            if asked():
                print("\ninterrupted; Ray's tasks are ended, and go on when this is repeated")
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

    def ending(self, reference: Any) -> str | None:
        """Wait for a task and return why it failed, in one line; None if it did not."""
        ray, exceptions = import_module("ray"), import_module("ray.exceptions")
        try:
            ray.get(reference)
        except exceptions.RayTaskError as error:
            return last_line(str(error))
        except exceptions.RayError as error:
            return f"{type(error).__name__}: {' '.join(str(error).split())}"
        return None


def run_unit(unit: Unit) -> None:
    """Do a unit's work."""
    unit()


def counted(stacks: Sequence[Stack]) -> str:
    """Return how many stacks these are, in words."""
    return f"{len(stacks)} stack{'s' * (len(stacks) > 1)}"


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
