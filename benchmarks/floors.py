"""What no way to take a step can undercut: its products, its random numbers, its memory traffic."""

import torch
from ours import ByKernel
from workloads import Step, Workload


def products(work: Workload) -> Step:
    """Return the five matrix products of a step and nothing else."""
    W, x = torch.randn(work.K, work.m, work.n), torch.rand(work.K, work.n, work.batch)
    h = torch.bmm(W, x)
    z = torch.bmm(W.mT, h)

    def step() -> None:
        torch.bmm(W, x)
        torch.bmm(W.mT, h)
        torch.bmm(W, z)
        torch.bmm(h, z.mT)
        torch.bmm(h, x.mT)

    return step


def arithmetic(work: Workload, size: int = 2048) -> Step:
    """Return a large product, scaled to the multiplications of a step's five products."""
    A, B = torch.rand(size, size), torch.rand(size, size)
    scale = 5 * work.K * work.n * work.m * work.batch / size**3

    def step() -> float:
        torch.mm(A, B)
        return scale

    return step


def random_numbers(work: Workload, steps: int = 20) -> Step:
    """Return the drawing of a step's words by a kernel and nothing else."""
    way = ByKernel(work).way

    def step() -> float:
        way.engine.run([way.now.drawing(range(steps))])
        return 1 / steps

    return step


def traffic(work: Workload, least: int = 2**18) -> Step:
    """Return a copy of as many numbers as a step must move, whatever stays in registers.

    The words are written and read; of each model, weights and Adam's two moments are read and
    written. As many steps' worth at once as `least` numbers, so that the call itself is no matter;
    what fits the cache, the copy finds there.
    """
    numbers = work.n * work.batch + 3 * work.K * (work.m + 1) * work.n
    steps = -(-least // numbers)
    source = torch.rand(steps * numbers)
    target = torch.empty_like(source)

    def step() -> float:
        target.copy_(source)
        return 1 / steps

    return step
