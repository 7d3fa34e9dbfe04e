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


def traffic(work: Workload) -> Step:
    """Return a copy that moves as many bytes as a step in passes over whole tensors must.

    Per instance ``z`` is written and read once, the gradient by z written once and read three
    times (both products and the sum), ``h`` is written once and read twice, its gradient written
    and read once; each distinct input is written once and read three times. Where the tensors fit
    the cache, so does the copy.
    """
    numbers = work.K * work.batch * (6 * work.n + 5 * work.m)
    numbers += 4 * work.densities * work.n * work.batch
    tensor = torch.rand(work.K, work.n, work.batch)
    other = torch.empty_like(tensor)
    scale = numbers / (2 * tensor.numel())  # a copy reads and writes

    def step() -> float:
        other.copy_(tensor)
        return scale

    return step
