"""Memory: how much a stack needs, how much there is, and keeping what was freed."""

import ctypes
import os
import platform
from pathlib import Path

import torch

from sup.launch.local import count_of
from sup.model.quadrature import nodes
from sup.training.data import EVALUATION_SAMPLES
from sup.training.module import LARGEST_KEPT
from sup.training.schedule import measured, snapshots
from sup.training.stack import Stack

GIB = 2**30
SHARE = 0.8
"""Of a device's memory, what stacks may take if nothing else is said."""

HOLES, HOLES_OF_SEVERAL = 1.2, 3.2
"""A step's memory with the holes between its arrays, by those arrays, measured after 400 steps on a
CPU: 1.0 to 1.2, but 2.1 to 3.2 where activations take turns, each with passes of its own."""

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3
_LARGEST = 2**31 - 1


def keep_freed_memory() -> None:
    """Let freed memory stay with the process, on Linux with glibc.

    A step frees tensors of up to hundreds of megabytes and asks for the same again. By default
    glibc returns them to the kernel, which clears each page anew: 2,601 models of two features
    took 29 ms a step, and take 8 with this.
    """
    if platform.libc_ver()[0] == "glibc":
        libc = ctypes.CDLL(None)
        libc.mallopt(_M_TRIM_THRESHOLD, _LARGEST)
        libc.mallopt(_M_MMAP_THRESHOLD, _LARGEST)


def needed(stack: Stack) -> int:
    """Estimate the memory that training a stack takes at its peak, in bytes.

    Counted are the tensors that live at once, in float32: weights with gradients, moments, rates
    and copies; a step of the largest block of instances, with the holes that it leaves in memory;
    the evaluation, which passes all of them through the models at once. `tests/sup/test_memory.py`
    holds it against what is measured.
    """
    config = stack.config
    n, m, K = config.n_features, config.n_hidden, stack.size
    batch, held_out, inputs = config.batch_size, EVALUATION_SAMPLES, len(stack.inputs)
    if config.data == "quadrature":
        batch, held_out, inputs = nodes(n)[0].shape[1], nodes(n)[0].shape[1], 1
    block = max(sum(run.grid.size for run in runs) for runs in stack.blocks)
    frames = len(snapshots(config.steps)) if m * n <= LARGEST_KEPT else 0
    parameters = K * (14 * (m + 1) * n + 3 * frames * m * n + 2 * len(measured(config.steps)))
    step = batch * (len(stack.seeds) * n + 3 * inputs * n + block * (6 * n + 2 * m))
    if config.engine == "autograd":
        step = batch * (len(stack.seeds) * n + 3 * inputs * n + K * (9 * n + 3 * m))
    step *= HOLES if len(stack.blocks) == 1 else HOLES_OF_SEVERAL
    evaluation = held_out * (3 * inputs * n + K * (8 * n + m))
    return int(4 * (parameters + max(step, HOLES * evaluation)))


def allowed(stack: Stack) -> int:
    """Return the memory that a stack may take on the device that would train it, in bytes.

    What is set, or a share of all the device has: not of what is free just now, so that a command
    that is started again makes the same stacks.
    """
    if stack.config.stack.max_memory is not None:
        return int(stack.config.stack.max_memory * GIB)
    if stack.config.trainer.accelerator != "cpu" and torch.cuda.is_available():
        return int(SHARE * torch.cuda.get_device_properties(0).total_memory)
    return int(SHARE * main_memory() / count_of(stack.config))


def main_memory(limit: Path = Path("/sys/fs/cgroup/memory.max")) -> int:
    """Return the size of the main memory in bytes, or less: a container's limit, a SLURM job's.

    Args:
        limit: the file that tells a container's limit.
    """
    size = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    names = ("SLURM_MEM_PER_NODE", "SLURM_MEM_PER_CPU", "SLURM_CPUS_ON_NODE")
    node, cpu, cpus = (int(os.environ.get(name) or 0) for name in names)
    if mebibytes := node or cpu * cpus:  # 0 stands for all that the node has
        size = min(size, mebibytes * 2**20)
    text = limit.read_text().strip() if limit.is_file() else "max"
    return min(size, int(text)) if text.isdigit() else size
