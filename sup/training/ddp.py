"""`trainer=ddp`: several processes, ranks, train one stack together, sharing each batch.

Lightning would start the other ranks by running the command again, which under `-m` would be the
whole sweep, in a directory of its own. Here rank zero hands them the stack itself. It alone writes
and logs, and it ends them, whatever happens; without it they end by themselves.
"""

import contextlib
import os
import pickle
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist
from lightning.fabric.plugins.environments.lightning import LightningEnvironment
from lightning.pytorch.strategies import DDPStrategy
from lightning.pytorch.strategies.launchers.launcher import _Launcher
from torch.distributed import TCPStore  # pyright: ignore[reportPrivateImportUsage]

from sup.training.sharing import RankError

HOME = "127.0.0.1"
"""Where ranks meet: all are on one machine."""

COLLATERAL = 3
"""Exit status of a rank that has ended because it has lost another."""

MOURNING = 10
"""Seconds in which a rank that has closed its connections is expected to have ended."""

PATIENCE = 30
"""Seconds after a rank's end in which rank zero is expected to have noticed. Where the backend does
not tell (NCCL waits for half an hour), the command is ended."""


@dataclass(frozen=True)
class Task:
    """What a rank is handed.

    Args:
        stack: the runs to be trained.
        checkpoint: what to go on from, if anything.
        rank: which rank it is.
        port: where rank zero can be met.
    """

    stack: Any
    checkpoint: Path | None
    rank: int
    port: int


class Ranks(LightningEnvironment):
    """Ranks as this module starts them, whatever the environment says of other launchers."""

    def __init__(self, rank: int):
        super().__init__()
        self.rank = rank

    def local_rank(self) -> int:
        """Return which rank this is."""
        return self.rank

    def node_rank(self) -> int:
        """Return 0: all ranks are on one machine."""
        return 0

    def teardown(self) -> None:
        """Leave the environment alone: nothing was put there."""


class StackedDDPStrategy(DDPStrategy):
    """Lightning's strategy for ranks that share batches as `sup.training.sharing` does.

    Args:
        rank: which rank this is.
        port: where rank zero can be met; rank zero itself finds one.
    """

    ranks: "RankLauncher"
    work: tuple[Any, Path | None] = (None, None)
    """The stack that is trained and the checkpoint it goes on from, for the other ranks."""

    store: TCPStore

    def __init__(self, rank: int = 0, port: int = 0):
        super().__init__(cluster_environment=Ranks(rank))
        self.port = port

    def _configure_launcher(self) -> None:
        self._launcher = self.ranks = RankLauncher(self)

    def setup_distributed(self) -> None:
        """Meet the other ranks."""
        self.set_world_ranks()
        if self.num_processes == 1:
            return
        if self.global_rank == 0:
            self.ranks.wait_for_ranks()
        else:
            self.store = TCPStore(HOME, self.port)
            self.store.set(ready(self.global_rank), "")
        device = self.root_device
        try:
            dist.init_process_group(
                self._get_process_group_backend(),
                store=self.store,
                rank=self.global_rank,
                world_size=self.num_processes,
                timeout=self._timeout,
                device_id=device if device.type != "cpu" else None,
            )
        except RuntimeError as error:
            raise RankError(f"another rank does not answer ({error})") from error

    def configure_ddp(self) -> None:
        """Leave the module as it is: `sup.training.sharing` sums its gradients."""

    def on_train_start(self) -> None:
        """Give SIGTERM back: Lightning's handler would talk to ranks in the middle of a step."""
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, self.ranks.on_sigterm)

    def barrier(self, *args: Any, **kwargs: Any) -> None:
        """Go on: ranks meet in every step, and what rank zero writes it writes by itself."""


def ready(rank: int) -> str:
    """Return the key by which a rank says that it has come up."""
    return f"rank {rank} is ready"


class RankLauncher(_Launcher):
    """Starts the other ranks around a training, and sees to it that all end together.

    Args:
        strategy: that of rank zero.
    """

    def __init__(self, strategy: StackedDDPStrategy):
        self.strategy = strategy
        self.processes: list[subprocess.Popen] = []
        self.logs: list[Any] = []
        self.over = threading.Event()
        self.watcher = threading.Thread(target=self.watch, daemon=True, name="ranks")

    @property
    def is_interactive_compatible(self) -> bool:
        """Whether it works in a notebook."""
        return True

    def launch(self, function: Callable, *args: Any, trainer: Any = None, **kwargs: Any) -> Any:
        """Call a function of the trainer, on rank zero with the other ranks around it.

        Raises:
            RankError: where another rank has failed.
        """
        self.on_sigterm = signal.getsignal(signal.SIGTERM)
        if self.strategy.local_rank > 0 or self.strategy.num_processes == 1:
            return function(*args, **kwargs)
        threads, hook = torch.get_num_threads(), sys.excepthook
        try:
            self.start()
            result = function(*args, **kwargs)
            self.wait()
            return result
        except RankError as error:
            if failure := self.failure(MOURNING):
                reason, said = failure
                raise RankError(reason) from (RuntimeError(f"\n{said}") if said else error)
            raise error
        finally:
            self.end()
            torch.set_num_threads(threads)
            sys.excepthook = hook  # torch has put its own in its place

    def kill(self, signum: Any) -> None:
        """Send no signal: ranks end with rank zero."""

    def start(self) -> None:
        """Start the other ranks and hand them their work."""
        count = self.strategy.num_processes
        self.strategy.store = TCPStore(HOME, 0, is_master=True, wait_for_workers=False)
        environment = dict(os.environ)
        if "OMP_NUM_THREADS" not in environment:
            threads = max(1, torch.get_num_threads() // count)
            torch.set_num_threads(threads)
            environment["OMP_NUM_THREADS"] = str(threads)
        # The same modules as here, a user's own beside train.py among them.
        script = (
            f"import sys; sys.path[:] = {sys.path!r}; from sup.training.rank import main; main()"
        )
        for _ in range(1, count):
            log = tempfile.TemporaryFile()  # noqa: SIM115, closed when the rank has ended
            self.logs.append(log)
            self.processes.append(
                subprocess.Popen(
                    [sys.executable, "-c", script],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.DEVNULL,
                    stderr=log,
                    env=environment,
                )
            )
        self.watcher.start()
        for rank, process in enumerate(self.processes, 1):
            task = Task(*self.strategy.work, rank, self.strategy.store.port)
            with contextlib.suppress(BrokenPipeError):  # it has failed, which is found below
                assert process.stdin is not None
                pickle.dump(task, process.stdin)
                process.stdin.flush()

    def wait_for_ranks(self) -> None:
        """Wait until all ranks have come up.

        Raises:
            RankError: where one has failed before.
        """
        keys = [ready(rank) for rank in range(1, self.strategy.num_processes)]
        while not self.strategy.store.check(keys):
            if self.failure():
                raise RankError("a rank has not come up")
            time.sleep(0.02)

    def failure(self, seconds: float = 0) -> tuple[str, str] | None:
        """Return why a rank has failed, in one line and as it said so; None where none has.

        Args:
            seconds: how long to wait for one that has.
        """
        until = time.monotonic() + seconds
        while True:
            for rank, (process, log) in enumerate(zip(self.processes, self.logs, strict=True), 1):
                status = process.poll()
                if status and status != COLLATERAL:
                    # Two threads may read it, so that neither can rely on where it stands.
                    held = os.pread(log.fileno(), os.fstat(log.fileno()).st_size, 0)
                    said = held.decode(errors="replace").strip()
                    return f"rank {rank} {how_it_ended(status, said)}", said
            if time.monotonic() >= until:
                return None
            time.sleep(0.05)

    def watch(self) -> None:
        """End the command where a rank has failed and rank zero waits for it forever."""
        while not self.over.wait(0.5):
            failure = self.failure()
            if failure and not self.over.wait(PATIENCE):
                give_up(failure[0])

    def wait(self) -> None:
        """Wait for the ranks, which have no more to do."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            for process in self.processes:
                process.wait(MOURNING)

    def end(self) -> None:
        """End the ranks that are left, and all ties to them, so that others can be started."""
        self.over.set()
        if self.watcher.is_alive():
            self.watcher.join()  # it would take the ranks that are killed here for failed ones
        for process in self.processes:
            process.kill()
        for process, log in zip(self.processes, self.logs, strict=True):
            process.wait()
            log.close()
            with contextlib.suppress(BrokenPipeError):
                assert process.stdin is not None
                process.stdin.close()
        if dist.is_initialized():
            stuck = threading.Timer(PATIENCE, give_up, ["the ranks cannot be let go"])
            stuck.daemon = True
            stuck.start()
            try:
                dist.destroy_process_group()
            finally:
                stuck.cancel()


def give_up(reason: str) -> None:
    """End the command, whose main thread waits forever."""
    print(f"error: {reason}", file=sys.stderr, flush=True)
    os._exit(1)


def how_it_ended(status: int, said: str) -> str:
    """Return how a rank has ended, by its exit status and what it has said."""
    if status < 0:
        return f"was ended by {signal.Signals(-status).name}"
    return f"failed: {said.splitlines()[-1] if said else f'exit status {status}'}"
