"""`trainer=ddp`: several processes, ranks, train one stack together, sharing each batch.

They are started from the stack itself. Lightning would run the command again, which under `-m` is
the whole sweep. The process that starts them trains nothing: it waits, and ends them all where one
has failed, so that none waits for another forever, whatever the backend.
"""

import multiprocessing
import os
import pickle
import signal
import socket
import traceback
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any

import torch
from lightning.fabric.plugins.environments.lightning import LightningEnvironment
from lightning.pytorch.strategies import DDPStrategy

from sup.config.rules import in_one_line
from sup.system import messages
from sup.system.processes import end_with_parent, how_it_ended, serve
from sup.system.signals import Stopped, stoppable
from sup.training.data_parallel import RankError

HOME = "127.0.0.1"
"""Where ranks meet: all are on one machine."""

PATIENCE = 10
"""Seconds in which the cause is looked for when a rank has lost another, and in which those that
are done may leave their group."""


@dataclass(frozen=True)
class Meeting:
    """What ranks need to know: how many they are, where they meet, their threads, if they talk."""

    ranks: int
    port: int
    threads: int
    talks: bool


class SharedBatches(DDPStrategy):
    """Lightning's strategy for ranks whose gradients `sup.training.data_parallel` sums."""

    def __init__(self) -> None:
        super().__init__(cluster_environment=LightningEnvironment())

    def configure_ddp(self) -> None:
        """Leave the module as it is."""

    def barrier(self, *args: Any, **kwargs: Any) -> None:
        """Go on: ranks meet in every step, and what rank zero writes it writes by itself."""


def on_ranks(count: int, work: Callable[[int], Any]) -> Any:
    """Do some work on several ranks at once.

    Args:
        count: how many.
        work: called with the rank, in its own process; picklable.

    Returns:
        What rank zero returns.

    Raises:
        RankError: where a rank has failed.
    """
    context = multiprocessing.get_context("spawn")  # CUDA does not survive a fork
    meeting = Meeting(
        count, free_port(), max(1, torch.get_num_threads() // count), messages.shown()
    )
    processes, connections = [], []
    try:
        for rank in range(count):
            connection, other = context.Pipe()
            asked = pickle.dumps((_serve, rank, meeting, work))
            process = context.Process(target=serve, args=(asked, other), daemon=True)
            process.start()
            other.close()
            processes.append(process)
            connections.append(connection)
        result = _first_result(processes, connections)
        for connection in connections:
            connection.close()  # all are done: now they leave their group, together
        for process in processes:
            process.join(PATIENCE)
        return result
    except Stopped:
        for process in processes[:1]:
            process.terminate()  # it writes a checkpoint
            process.join()
        raise
    finally:
        for process in processes:
            process.kill()
            process.join()


def free_port() -> int:
    """Return a port of this machine that nobody listens on."""
    with socket.socket() as listener:
        listener.bind((HOME, 0))
        return listener.getsockname()[1]


def _first_result(processes: list, connections: list[Connection]) -> Any:
    """Return what rank zero returns, when all have ended; raise what ends the others."""
    waiting: dict[Any, int] = {connection: rank for rank, connection in enumerate(connections)}
    lost: str | None = None
    result = None
    while waiting:
        ready = wait(list(waiting), PATIENCE if lost else None)
        if not ready:
            break
        for connection in ready:
            rank = waiting.pop(connection)
            said = _heard(connection, processes[rank])
            if said is None:
                continue
            if said["kind"] == "failed":
                reason = RankError(f"rank {rank} {said['reason']}")
                raise reason from (RuntimeError("\n" + said["trace"]) if said["trace"] else None)
            if said["kind"] == "lost":
                lost = said["reason"]
            elif rank == 0:
                result = pickle.loads(said["result"])
    if lost:
        raise RankError(lost)
    return result


def _heard(connection: Any, process: Any) -> dict[str, Any]:
    """Return the last word of a rank, or what became of one that has said nothing."""
    try:
        return pickle.loads(connection.recv_bytes())
    except (EOFError, OSError):  # it was ended before, or while it spoke
        process.join()
        return {"kind": "failed", "reason": how_it_ended(process.exitcode), "trace": ""}


def _serve(rank: int, meeting: Meeting, work: Callable[[int], Any], connection: Any) -> None:
    """Do the work of one rank, in a process of its own."""
    # The terminal's Ctrl-C reaches every process; the one that started the ranks passes it on.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if rank > 0:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    end_with_parent()
    os.environ |= {"MASTER_ADDR": HOME, "MASTER_PORT": str(meeting.port), "NODE_RANK": "0"}
    os.environ |= {"WORLD_SIZE": str(meeting.ranks), "LOCAL_RANK": str(rank)}
    if "OMP_NUM_THREADS" not in os.environ:
        torch.set_num_threads(meeting.threads)
    if meeting.talks and rank == 0:  # the others would say the same
        messages.show()
    try:
        said = _last_word(rank, work)
        connection.send_bytes(pickle.dumps(said))
        if said["kind"] == "done":
            _leave(connection)
    finally:
        # Nothing that libraries do at the end is of use, and it could wait for a rank that is not
        # at its end: after `Stopped` too.
        os._exit(0)


def _leave(connection: Connection) -> None:
    """Leave the group by which ranks summed, as soon as all are done and none needs it any more."""
    with suppress(EOFError):
        connection.recv_bytes()
    if torch.distributed.is_initialized():
        torch.distributed.destroy_process_group()


def _last_word(rank: int, work: Callable[[int], Any]) -> dict[str, Any]:
    """Do the work of one rank, and return what there is to be said of it."""
    said: dict[str, Any]
    try:
        with stoppable():
            # Not left to `send`, by which tensors stay in this process, which ends soon.
            said = {"kind": "done", "result": pickle.dumps(work(rank))}
    except Stopped:
        raise
    except RankError as error:
        said = {"kind": "lost", "reason": str(error)}
    except (Exception, SystemExit) as error:
        *_, frame = traceback.extract_tb(error.__traceback__)
        where = f"{Path(frame.filename).name}, line {frame.lineno}"  # it was another process
        said = {"kind": "failed", "reason": f"failed: {in_one_line(error)} ({where})"}
        said["trace"] = traceback.format_exc()
    return said
