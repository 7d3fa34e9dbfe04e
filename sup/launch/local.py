"""Stacks on this machine: in this process, or side by side on its devices."""

import logging
import multiprocessing
import os
import pickle
import signal
from collections import deque
from collections.abc import Sequence
from contextlib import redirect_stderr, redirect_stdout, suppress
from math import ceil
from multiprocessing.connection import wait
from pathlib import Path
from typing import Any

import torch

from sup.config.rules import SettingError
from sup.config.run import Run
from sup.config.settings import Settings
from sup.launch.gpus import visible_devices
from sup.launch.placement import SHARE, Lost, Placement, Work
from sup.system import messages
from sup.system.memory import main_memory
from sup.system.processes import end_with_parent, how_it_ended, serve
from sup.system.signals import Stopped, stoppable
from sup.training.devices import accelerator_of, cuda_is_lost
from sup.training.stack import Stack

log = logging.getLogger(__name__)

GPU_LOST = "not tried: a stack before has left the GPU unusable in this process; start it again"


class Here:
    """Trains stacks one after another in this process."""

    at_once = 1
    is_here = True

    def memory(self, settings: Settings) -> float:
        """Return a share of all the device's memory.

        Not of what is free just now, so that a command that is started again makes the same stacks.
        """
        if accelerator_of(settings) != "cuda":
            return SHARE * main_memory() / self.at_once
        used = max(self.at_once, settings.trainer.parameters["devices"])
        used = min(used, torch.cuda.device_count())
        properties = [torch.cuda.get_device_properties(number) for number in range(used)]
        return SHARE * min(one.total_memory for one in properties) / ceil(self.at_once / used)

    def __call__(self, stacks: Sequence[Stack], work: Work) -> list[Any]:
        """Do the work on each stack."""
        return [Lost(GPU_LOST) if is_hopeless(stack) else work(stack) for stack in stacks]


def is_hopeless(stack: Stack) -> bool:
    """Tell whether a stack would be trained by CUDA, which has failed in this process for good."""
    return cuda_is_lost() and accelerator_of(stack.settings) == "cuda"


class SideBySide(Here):
    """Trains stacks in several processes, each with a GPU or a share of the cores of its own.

    Args:
        count: how many at once.
        gpus: the names of those to be used, in turn; none for the CPU.
    """

    def __init__(self, count: int, gpus: Sequence[str] = ()):
        self.at_once = count
        self.gpus = gpus
        self.is_here = False

    def __call__(self, stacks: Sequence[Stack], work: Work) -> list[Any]:
        """Train the stacks; each process takes the next as soon as it is free."""
        if len(stacks) < 2:
            return super().__call__(stacks, work)
        ended: list[Any] = [None] * len(stacks)
        waiting = deque(range(len(stacks)))
        workers: dict[Any, _Worker] = {}
        free = list(range(self.at_once))
        try:
            while waiting or workers:
                while waiting and free:
                    worker = self.start(free.pop(0), work)
                    workers[worker.connection] = worker
                    worker.give(waiting.popleft(), stacks)
                for connection in wait(list(workers)):
                    worker = workers[connection]
                    ended[worker.index] = worker.outcome()
                    if waiting and worker.lives:
                        worker.give(waiting.popleft(), stacks)
                    else:
                        del workers[worker.connection]
                        worker.end()
                        free.append(worker.slot)
        except Stopped:
            log.info("stopped; the logs say at which steps; the same command goes on from there")
            raise
        finally:
            for worker in workers.values():
                worker.process.terminate()  # it writes a checkpoint
            for worker in workers.values():
                worker.end()
        return ended

    def start(self, slot: int, work: Work) -> "_Worker":
        """Start a process for one of the devices."""
        gpu = self.gpus[slot % len(self.gpus)] if self.gpus else None
        return _Worker(slot, work, gpu, max(1, torch.get_num_threads() // self.at_once))


class _Worker:
    """A process that trains one stack after another, on one device.

    Args:
        slot: which of the devices.
        work: what it does with each stack.
        gpu: the name of its GPU; None for the CPU.
        threads: how many it may use.
    """

    def __init__(self, slot: int, work: Work, gpu: str | None, threads: int):
        context = multiprocessing.get_context("spawn")  # CUDA does not survive a fork
        self.slot = slot
        self.lives = True
        self.connection, other = context.Pipe()
        asked = pickle.dumps((_serve, work, gpu, threads))
        self.process = context.Process(target=serve, args=(asked, other))
        self.process.start()
        other.close()

    def give(self, index: int, stacks: Sequence[Stack]) -> None:
        """Have it train the stack of an index."""
        self.index = index
        stack = stacks[index]
        assert stack.checkpoint is not None
        logged = stack.checkpoint.with_suffix(".log")
        where = os.path.relpath(logged)
        log.info(
            "stack %d of %d (%s) on device %d: %s",
            index + 1,
            len(stacks),
            stack.title,
            self.slot,
            where,
        )
        with suppress(ConnectionError):  # it has died, which `outcome` finds
            self.connection.send((stack, logged))

    def outcome(self) -> Any:
        """Return what became of the stack that it has ended with."""
        try:
            made, lost = pickle.loads(self.connection.recv_bytes())
        except (EOFError, ConnectionError):
            self.lives = False
            self.process.join()
            return Lost(f"the process that trained it {how_it_ended(self.process.exitcode)}")
        self.lives = not lost
        return made

    def end(self) -> None:
        """Let the process end."""
        self.connection.close()
        self.process.join()


def _serve(work: Work, gpu: str | None, threads: int, connection: Any) -> None:
    """Train the stacks that come, in a process of its own."""
    # The terminal's Ctrl-C reaches every process; the first one passes it on, as SIGTERM.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    end_with_parent()
    messages.show()
    if gpu is not None:
        os.environ["CUDA_VISIBLE_DEVICES"] = gpu  # CUDA has not started yet
    torch.set_num_threads(threads)
    with stoppable():
        while True:
            try:
                stack, logged = connection.recv()
            except EOFError:
                return
            # Not `send`, by which tensors are shared memory, of which containers have little.
            made = _logged(work, stack, logged)
            connection.send_bytes(pickle.dumps((made, cuda_is_lost())))


def _logged(work: Work, stack: Stack, logged: Path) -> Any:
    logged.parent.mkdir(parents=True, exist_ok=True)
    with logged.open("a", encoding="utf-8") as file, redirect_stdout(file), redirect_stderr(file):
        return work(stack)


def local_placement(runs: Sequence[Run]) -> Placement:
    """Return where the stacks of some runs are trained on this machine.

    Side by side on every GPU, or on the CPU as one device, if it is left to the machine; one after
    another where each stack is trained on several devices.
    """
    devices = devices_of(runs)
    trainers = [run.settings.trainer.parameters for run in runs]
    on_gpu = all(accelerator_of(run.settings) == "cuda" for run in runs)
    if devices == "auto":
        alone = not on_gpu or any(trainer["devices"] > 1 for trainer in trainers)
        alone = alone or any(run.directory is None for run in runs)
        devices = 1 if alone else max(1, torch.cuda.device_count())
    if devices == 1:
        return Here()
    return SideBySide(int(devices), visible_devices() if on_gpu else [])


def devices_of(runs: Sequence[Run]) -> int | str:
    """Return on how many devices the stacks of one command are trained side by side.

    Raises:
        SettingError: where runs differ in it, or cannot be trained in other processes.
    """
    asked = list(dict.fromkeys(run.settings.stack.devices for run in runs))
    if len(asked) > 1:
        raise SettingError("stack.devices", asked, "differs between the jobs of one command")
    if asked[0] not in (1, "auto") and any(run.directory is None for run in runs):
        raise SettingError("stack.devices", asked[0], "needs a directory to write to")
    return asked[0]
