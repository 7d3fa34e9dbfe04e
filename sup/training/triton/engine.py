"""A stack as Triton kernels, one launch for the models of an activation: losses and gradients."""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor

from sup.config.rules import in_one_line
from sup.model.autoencoder import StackedAutoencoder
from sup.model.inputs import Inputs
from sup.model.philox import MASK
from sup.model.quadrature import QuadratureInputs
from sup.training.kernels import MOST_REGISTERS, NoKernelError, registers
from sup.training.triton.device import kernels
from sup.training.triton.device.inputs import GIVEN, NODES, Data
from sup.training.triton.device.kernels import Models
from sup.training.triton.source import activation_function
from sup.training.written import kernel_parameters


@dataclass(frozen=True)
class Form:
    """How a kernel works through a model of some size.

    Args:
        large: whether features come in tiles.
        block: samples that are worked on together.
        warps: of 32 threads that do so.
    """

    large: bool
    block: int
    warps: int

    @classmethod
    def of(cls, n: int, m: int) -> "Form":
        """Choose the form for n features and m hidden dimensions."""
        numbers = registers(n, m)
        if numbers > MOST_REGISTERS:
            return cls(large=True, block=32, warps=8)
        if numbers > 26:
            return cls(large=False, block=256, warps=8)
        return cls(large=False, block=64, warps=1)


@dataclass(frozen=True)
class Launch:
    """The models of one activation.

    Args:
        start: the place of the first.
        count: how many.
        activate: returns value and slope; None for SoLU.
        parameters: of the activation, for each model.
        values: these, ``[model, parameter]``.
        stream: on which it is launched; None for the current one.
    """

    start: int
    count: int
    activate: Any
    parameters: int
    values: Tensor
    stream: Any


How = Callable[[Any, int], Callable[..., Any]]
"""What is done with a kernel for some number of models."""


def launched(kernel: Any, count: int) -> Callable[..., Any]:
    """Return what launches a kernel, a program for each model."""
    return kernel[(count,)]


def warmed_up(kernel: Any, count: int) -> Callable[..., Any]:
    """Return what compiles a kernel, and launches nothing."""
    return partial(kernel.warmup, grid=(count,))


class TritonEngine:
    """Computes losses and gradients in Triton kernels, and lets them take whole steps.

    Args:
        models: whose gradients are wanted.
        inputs: makes their inputs.
        importance: ``I_i`` of each instance.
        batch: samples of a step, by which its loss is divided.
        whole: whether it is to take whole steps; else gradients alone.

    Raises:
        NoKernelError: where a kernel cannot be compiled.
        ValueError: where an activation has no kernel.
    """

    def __init__(
        self,
        models: StackedAutoencoder,
        inputs: Inputs | QuadratureInputs,
        importance: Float[Tensor, "instance feature"],
        batch: int,
        whole: bool = True,
    ):
        self.models = models
        self.inputs = inputs
        self.draws = isinstance(inputs, Inputs)
        self.importance = importance / (batch if self.draws else 1)
        K, m, n = models.W.shape
        self.form = Form.of(n, m)
        self.launches = []
        start = 0
        for activation, count in models.activation.blocks:
            function = activation_function(activation)
            own = kernel_parameters(activation, count)
            numbers = importance.new_zeros(1, 0) if own is None else own.to(importance)
            values = torch.cat([numbers.flatten(), importance.new_zeros(1)])
            beside = start and importance.device.type == "cuda"
            stream = torch.cuda.Stream() if beside else None
            self.launches.append(Launch(start, count, function, numbers.shape[1], values, stream))
            start += count
        self.losses = importance.new_zeros(K)
        self.compile(whole)

    def compile(self, whole: bool) -> None:
        """Compile what is to be launched, before anything is trained.

        Raises:
            NoKernelError: where it cannot be; by torch it can be trained all the same.
        """
        from sup.training.triton.steps import TritonSteps

        try:
            if whole:
                TritonSteps(self, (0,), 1).compile()
            else:
                self.differentiate(self.placeholders(), self.data(()), 1, warmed_up)
        except Exception as error:  # no C compiler, no headers, another Triton: as many kinds
            raise NoKernelError(in_one_line(error)) from error

    def placeholders(self) -> Models:
        """Return tensors of the right kinds, which are not looked at."""
        whole = dict.fromkeys(("rate_group", "diverged_at"), self.inputs.group_index)
        return Models(**dict.fromkeys(Models._fields, self.losses) | whole)

    def data(self, seeds: tuple[int, ...], given: Tensor | None = None) -> Data:
        """Return what inputs are made of, words of some seeds or given ones.

        Args:
            seeds: whose words are drawn.
            given: words ``[seed, feature, sample]``, if they are not drawn.
        """
        group, device = self.inputs.group_index, self.importance.device
        if isinstance(self.inputs, QuadratureInputs):
            nodes, shares = self.inputs.x, self.inputs.probability
            return Data(group, group, group, group, nodes, nodes, shares)
        halves = [(seed & MASK, seed >> 32) for seed in seeds]
        key = torch.tensor(halves, device=device) if seeds else group
        last, scale = self.inputs.last, self.inputs.scale
        words = key if given is None else given.contiguous()
        return Data(key, self.inputs.seed_index[group], group, last, scale, words, scale)

    def samples(self, drawn: int) -> int:
        """Return how many samples a step has, if so many are drawn: these, or all nodes."""
        return self.inputs.x.shape[-1] if isinstance(self.inputs, QuadratureInputs) else drawn

    @torch.no_grad()
    def __call__(self, words: Int[Tensor, "seed feature batch"]) -> Float[Tensor, " instance"]:
        """Return each instance's loss on the inputs made from `words`.

        The gradients are left in the parameters' `grad`.
        """
        W, b = self.models.W, self.models.b
        by_W, by_b = self.models.gradients()
        data = self.data((), words)
        samples = self.samples(words.shape[-1])
        models = self.placeholders()._replace(
            W=W.data,
            b=b.data,
            gradient_W=by_W,
            gradient_b=by_b,
            importance=self.importance,
        )
        self.differentiate(models, data, samples)
        return self.losses

    def differentiate(self, models: Models, data: Data, samples: int, how: How = launched) -> None:
        """Launch the kernels that leave losses and gradients alone."""
        self.launch_all(
            kernels.differentiate,
            lambda launch: (models, data, launch.values, launch.start, samples),
            how,
            MODE=GIVEN if self.draws else NODES,
        )

    def whole_steps(
        self, seeds: tuple[int, ...], samples: int, last: int, module: Any, optimizer: Any
    ) -> Any:
        """Return what takes whole steps; see `sup.training.kernels.KernelEngine`."""
        from sup.training.triton.steps import TritonSteps

        steps = TritonSteps(self, seeds, samples)
        steps.attach(optimizer, module.loss_sums, module.diverged_at)
        return steps

    def launch_all(
        self,
        kernel: Any,
        arguments: Callable[[Launch], tuple],
        how: How = launched,
        **constants: Any,
    ) -> None:
        """Launch a kernel for the models of each activation, all side by side."""
        _, m, n = self.models.W.shape
        form = self.form
        size = {"N": n, "M": m, "LARGE": form.large, "BLOCK": form.block, "num_warps": form.warps}
        # The first is on the current stream, for whose end the others would wait after it.
        for launch in reversed(self.launches):
            with self.beside(launch):
                how(kernel, launch.count)(
                    *arguments(launch),
                    PARAMETERS=launch.parameters,
                    ACTIVATE=launch.activate,
                    **size,
                    **constants,
                )
        for launch in self.launches:
            if launch.stream:
                torch.cuda.current_stream().wait_stream(launch.stream)

    def beside(self, launch: Launch) -> AbstractContextManager[Any]:
        """Put what is launched within on a stream beside the others', after all before."""
        if launch.stream is None:
            return nullcontext()
        launch.stream.wait_stream(torch.cuda.current_stream())
        return torch.cuda.stream(launch.stream)
