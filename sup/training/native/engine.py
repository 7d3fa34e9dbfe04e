"""The blocks of a stack as kernels: losses and gradients of a step, by the native engine."""

import ctypes
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from functools import partial
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from sup.model.autoencoder import StackedAutoencoder
from sup.model.inputs import Inputs
from sup.model.quadrature import QuadratureInputs
from sup.training.kernels import NoKernelError
from sup.training.native.call import Call, Held, blocked
from sup.training.native.compiler import compiled
from sup.training.native.source import Kernel, activation_source
from sup.training.written import kernel_parameters

Task = Callable[[], object]
"""Does a part of some work, until none is left that no other thread has taken."""


def kernels_of(models: StackedAutoencoder, inputs: Inputs | QuadratureInputs) -> list[Kernel]:
    """Return the kernel of each block of a stack.

    Raises:
        NoKernelError: where there is one for which none can be.
    """
    _, m, n = models.W.shape
    by_nodes = isinstance(inputs, QuadratureInputs)
    kernels = []
    for activation, _ in models.activation.blocks:
        source = activation_source(activation)
        if source is None:
            name = getattr(activation, "__name__", type(activation).__name__)
            raise NoKernelError(f"{name} has no `expressions`")
        kernels.append(Kernel(n, m, source, by_nodes))
    return kernels


class NativeEngine:
    """Computes losses and gradients in compiled kernels, and lets them take whole steps.

    Args:
        models: whose gradients are wanted.
        inputs: makes their inputs.
        importance: ``I_i`` of each instance.
        batch: samples of a step, by which its loss is divided.
        threads: how many may work side by side, each on models of its own.

    Raises:
        NoKernelError: where it cannot be used.
    """

    def __init__(
        self,
        models: StackedAutoencoder,
        inputs: Inputs | QuadratureInputs,
        importance: Float[Tensor, "instance feature"],
        batch: int,
        threads: int = 1,
    ):
        self.models = models
        self.inputs = inputs
        self.kernels = kernels_of(models, inputs)
        self.block = self.kernels[0].block
        self.libraries = compiled(self.kernels)
        self.threads = threads
        self.pool = ThreadPoolExecutor(max(1, self.threads - 1))
        shares = batch if isinstance(inputs, Inputs) else 1
        self.calls: list[Held] = []
        start = 0
        for activation, count in models.activation.blocks:
            at = slice(start, start + count)
            self.calls.append(self.described(activation, at, importance[at] / shares))
            start += count
        self.losses = importance.new_zeros(len(importance))

    def described(
        self, activation: Any, at: slice, importance: Float[Tensor, "instance feature"]
    ) -> Held:
        """Return what a kernel is told once: all but the weights, the words and the steps."""
        count = at.stop - at.start
        held = Held(Call(models=count, all_models=len(self.models.W)))
        numbers = kernel_parameters(activation, count)
        held.point("importance", importance.contiguous())
        held.point("parameter", torch.zeros(1) if numbers is None else numbers.float().contiguous())
        if isinstance(self.inputs, QuadratureInputs):
            own = np.arange(count, dtype=np.int32)
            probability = self.inputs.probability[at].numpy()[..., None, :]
            held.structure.samples = probability.shape[-1]
            held.point("nodes", blocked(self.inputs.x[0].numpy(), self.block))
            held.point("probability", blocked(probability, self.block))
            held.point_all({"input": own, "seed": np.zeros_like(own)})
            return held
        groups = self.inputs.group_index[at]
        held.point("input", groups.int())
        held.point("seed", self.inputs.seed_index[groups].int())
        held.point("last", self.inputs.last.numpy().astype(np.uint32))
        held.point("scale", self.inputs.scale.float().contiguous())
        return held

    @torch.no_grad()
    def __call__(self, words: Int[Tensor, "seed feature batch"]) -> Float[Tensor, " instance"]:
        """Return each instance's loss on the inputs made from `words`.

        The gradients are left in the parameters' `grad`.
        """
        W, b = self.models.W, self.models.b
        by_W, by_b = self.models.gradients()
        drawn = blocked(words.numpy().astype(np.uint32), self.block)
        start = 0
        for held in self.calls:
            at = slice(start, start + held.structure.models)
            held.point_all({"W": W.data[at], "b": b.data[at], "words": drawn})
            held.point_all({"gradient_W": by_W[at], "gradient_b": by_b[at]})
            held.point("loss", self.losses[at])
            held.structure.seeds = len(words)
            if isinstance(self.inputs, Inputs):
                held.structure.samples = words.shape[-1]
            start = at.stop
        self.run([self.task("differentiate", held, k) for k, held in enumerate(self.calls)])
        return self.losses

    def whole_steps(
        self, seeds: tuple[int, ...], samples: int, last: int, module: Any, optimizer: Any
    ) -> Any:
        """Return what takes whole steps; see `sup.training.kernels.KernelEngine`."""
        from sup.training.native.steps import NativeSteps

        steps = NativeSteps(self, seeds, samples, last)
        steps.attach(optimizer, module.loss_sums, module.diverged_at)
        return steps

    def task(self, function: str, held: Held, number: int = 0) -> Task:
        """Return a call of a function of one of the kernels, from the beginning."""
        held.structure.next = 0
        return partial(_call, getattr(self.libraries[number], function), held)

    def run(self, tasks: Sequence[Task]) -> None:
        """Do some work on all threads: each goes through the tasks, and takes what is left."""
        others = [self.pool.submit(_each, tasks) for _ in range(self.threads - 1)]
        try:
            _each(tasks)
        finally:
            wait(others)  # whatever becomes of this one: they write to what it would free
        for other in others:
            other.result()


# Not inside of what hands them out, at every step: there tests would make their checks anew.


def _call(function: Callable[[Any], int], held: Held) -> None:
    if function(ctypes.byref(held.structure)):
        raise MemoryError("no memory for a thread's work")


def _each(tasks: Sequence[Task]) -> None:
    for task in tasks:
        task()
