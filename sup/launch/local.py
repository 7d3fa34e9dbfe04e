"""Where stacks are trained: in this process, or side by side on the machine's devices."""

import multiprocessing
import os
import signal
from collections import deque
from collections.abc import Sequence
from contextlib import redirect_stderr, redirect_stdout, suppress
from multiprocessing.connection import wait
from pathlib import Path
from typing import Any

import torch

from sup.config.settings import SettingError
from sup.launch import Placement, Work
from sup.system.lifeline import end_after
from sup.system.signals import Stopped, stoppable
from sup.training.stack import Stack


def here(stacks: Sequence[Stack], work: Work) -> list[str | None]:
    """Train stacks one after another in this process."""
    for stack in stacks:
        work(stack)
    return [None] * len(stacks)


class SideBySide:
    """Trains stacks in several processes, each with a GPU or a share of the cores of its own.

    Args:
        count: how many at once.
        gpus: the names of those to be used, in turn; none for the CPU.
    """

    def __init__(self, count: int, gpus: Sequence[str] = ()):
        self.count = count
        self.gpus = gpus

    def __call__(self, stacks: Sequence[Stack], work: Work) -> list[str | None]:
        """Train the stacks; each process takes the next as soon as it is free."""
        if len(stacks) < 2:
            return here(stacks, work)
        reasons: list[str | None] = [None] * len(stacks)
        waiting = deque(range(len(stacks)))
        workers: dict[Any, _Worker] = {}
        free = list(range(self.count))
        try:
            while waiting or workers:
                while waiting and free:
                    worker = self.start(free.pop(0), work)
                    workers[worker.connection] = worker
                    worker.give(waiting.popleft(), stacks)
                for connection in wait(list(workers)):
                    worker = workers[connection]
                    reasons[worker.index] = worker.outcome()
                    if waiting and worker.lives:
                        worker.give(waiting.popleft(), stacks)
                    else:
                        del workers[worker.connection]
                        worker.end()
                        free.append(worker.slot)
        except Stopped:
            print("stopped; the logs say at which steps; the same command goes on from there")
            raise
        finally:
            for worker in workers.values():
                worker.process.terminate()  # it writes a checkpoint
            for worker in workers.values():
                worker.end()
        return reasons

    def start(self, slot: int, work: Work) -> "_Worker":
        """Start a process for one of the devices."""
        gpu = self.gpus[slot % len(self.gpus)] if self.gpus else None
        return _Worker(slot, work, gpu, max(1, torch.get_num_threads() // self.count))


class _Worker:
    """A process that trains one stack after another.

    Args:
        slot: which of the devices is its own.
        work: what it does with a stack.
        gpu: the name of its GPU; None for the CPU.
        threads: how many it may use.
    """

    def __init__(self, slot: int, work: Work, gpu: str | None, threads: int):
        context = multiprocessing.get_context("spawn")  # CUDA does not survive a fork
        self.slot = slot
        self.lives = True
        self.connection, other = context.Pipe()
        arguments = (other, work, gpu, threads)
        self.process = context.Process(target=_serve, args=arguments)
        self.process.start()
        other.close()

    def give(self, index: int, stacks: Sequence[Stack]) -> None:
        """Have it train the stack of an index."""
        self.index = index
        stack = stacks[index]
        log = stack.checkpoint.with_suffix(".log")
        print(
            f"stack {index + 1} of {len(stacks)} ({stack.title}) on device {self.slot}: "
            f"{os.path.relpath(log)}",
            flush=True,
        )
        with suppress(ConnectionError):  # it has died, which `outcome` finds
            self.connection.send((stack, log))

    def outcome(self) -> str | None:
        """Return why the stack that it has ended with was not trained, or None."""
        try:
            return self.connection.recv()
        except (EOFError, ConnectionError):
            self.lives = False
            self.process.join()
            code = self.process.exitcode or 0
            how = (
                f"was killed by {signal.Signals(-code).name}" if code < 0 else f"ended with {code}"
            )
            return f"the process that trained it {how}"

    def end(self) -> None:
        """Let the process end."""
        self.connection.close()
        self.process.join()


def _serve(connection: Any, work: Work, gpu: str | None, threads: int) -> None:
    """Train the stacks that come, in a process of its own."""
    # The terminal's Ctrl-C reaches every process; the first one passes it on, as SIGTERM.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent: Any = multiprocessing.parent_process()
    end_after(lambda: wait([parent.sentinel]))
    if gpu is not None:
        os.environ["CUDA_VISIBLE_DEVICES"] = gpu  # CUDA has not started yet
    torch.set_num_threads(threads)
    with stoppable():
        while True:
            try:
                stack, log = connection.recv()
            except EOFError:
                return
            connection.send(_logged(work, stack, log))


def _logged(work: Work, stack: Stack, log: Path) -> str | None:
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("a") as file, redirect_stdout(file), redirect_stderr(file):
        work(stack)
    return None


def check_present(config: Any) -> None:
    """Check that the devices on which a run is to be trained are on this machine.

    Raises:
        SettingError: where they are not.
    """
    accelerator, gpus = config.trainer.accelerator, torch.cuda.device_count()
    if accelerator in ("gpu", "cuda") and not torch.cuda.is_available():
        raise SettingError("trainer.accelerator", accelerator, "no GPU here")
    if accelerator in ("gpu", "cuda", "auto") and 0 < gpus < config.trainer.devices:
        held = f"there are no more than {gpus} here; trainer.accelerator=cpu needs none"
        raise SettingError("trainer.devices", config.trainer.devices, held)


def visible_devices() -> list[str]:
    """Return the names of the GPUs that this command may use."""
    named = os.environ.get("CUDA_VISIBLE_DEVICES")
    return named.split(",") if named else [str(k) for k in range(torch.cuda.device_count())]


def count_of(config: Any) -> int:
    """Return on how many devices stacks are trained side by side, by a run's config.

    Left to the machine, that is every GPU, or the CPU as one device; where each stack is trained on
    several devices, it is one stack at a time.
    """
    if config.stack.devices != "auto":
        return int(config.stack.devices)
    if config.trainer.devices != 1 or config.trainer.accelerator == "cpu":
        return 1
    return max(1, torch.cuda.device_count())


def placement_for(config: Any) -> Placement:
    """Return where stacks are trained on this machine, by the config of one of their runs."""
    count = count_of(config)
    if count == 1:
        return here
    return SideBySide(count, [] if config.trainer.accelerator == "cpu" else visible_devices())
