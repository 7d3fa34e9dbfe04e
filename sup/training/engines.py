"""How a training step computes losses and gradients, and which way pays."""

import logging
import time
from collections.abc import Callable
from functools import partial

import torch
from jaxtyping import Float, Int
from torch import Tensor

from sup.model.activations import Activation, StackedActivation, has_pullback
from sup.model.autoencoder import StackedAutoencoder
from sup.model.closed_form import SMALL, elementwise_product
from sup.model.data import AnyInputs
from sup.training.compiling import compiling, pays
from sup.training.kernels import KernelEngine, engine_with_kernels, kind_of

log = logging.getLogger(__name__)


class Block:
    """Instances that are computed together, with their shared inputs.

    Args:
        activation: theirs, of one kind or stacked.
        place: where they stand in the stack.
        groups: the inputs that they look at, as indices; each input serves equally many instances
            that stand together, or else is named once for each instance.
    """

    def __init__(self, activation: Activation, place: slice, groups: Int[Tensor, " group"]):
        self.activation = activation
        self.place = place
        first, last = int(groups[0]), int(groups[-1])
        adjoining = torch.equal(groups.cpu(), torch.arange(first, last + 1))
        # A slice shares memory, an index copies.
        self.groups: slice | Tensor = slice(first, last + 1) if adjoining else groups

    @classmethod
    def of(
        cls, activation: Activation, place: slice, group_index: Int[Tensor, " instance"]
    ) -> "Block":
        """Make the block of the instances at `place`; `group_index` covers the whole stack."""
        own = group_index[place]
        groups, counts = own.unique_consecutive(return_counts=True)
        shared = bool((counts == counts[0]).all())
        return cls(activation, place, groups if shared else own)


def in_parts(activation: StackedActivation, device: torch.device) -> list[tuple[Activation, int]]:
    """Return what a stack is computed by: activations, each with the number of its instances.

    On a CPU one after the other, as the arrays of one may still be in the cache. On a GPU all at
    once: there a step of small models takes as long as its kernels are many.
    """
    if device.type == "cpu":
        return activation.blocks
    return [(activation, sum(count for _, count in activation.blocks))]


class AutogradEngine:
    """The plain way, which the others are tested against: build the loss, call backward."""

    def __init__(self, models: StackedAutoencoder, inputs: AnyInputs, cost: Tensor):
        self.models = models
        self.inputs = inputs
        self.cost = cost

    def __call__(self, words: Int[Tensor, "seed row batch"]) -> Float[Tensor, " instance"]:
        """Return each instance's loss on the inputs made from `words`.

        The gradients are left in the parameters' `grad`.
        """
        self.models.zero_grad(set_to_none=False)  # keeps the optimizer's layout
        own = self.inputs(words)[self.inputs.group_index]
        losses = self.models.losses(own, self.cost)
        # The sum over instances: with a mean, the number of neighbours would scale an instance's
        # gradient and, through Adam's epsilon, change its training.
        losses.sum().backward()
        return losses.detach()


class ClosedFormEngine:
    """The fast way: closed-form gradients, block by block."""

    def __init__(self, models: StackedAutoencoder, inputs: AnyInputs, cost: Tensor):
        self.models = models
        self.inputs = inputs
        self.cost = cost
        self.blocks = []
        start = 0
        for activation, count in in_parts(models.activation, models.W.device):
            place = slice(start, start + count)
            self.blocks.append(Block.of(activation, place, inputs.group_index))
            start += count
        self.forget_compiled()
        self.losses = cost.new_zeros(len(cost))

    @torch.no_grad()
    def __call__(self, words: Int[Tensor, "seed row batch"]) -> Float[Tensor, " instance"]:
        """Return each instance's loss on the inputs made from `words`.

        The gradients are left in the parameters' `grad`.
        """
        x = self.make_inputs(words)
        written = [self.losses, *self.models.gradients()]
        for block, function in zip(self.blocks, self.functions, strict=True):
            at = block.place
            own = self.models.arguments(at)
            found = function(*own, x[block.groups], self.cost[at], block.activation)
            for place, values in zip(written, found, strict=True):
                place[at] = values
        return self.losses

    def compile(self, words: Int[Tensor, "seed row batch"]) -> None:
        """Compile the inputs and every block whose slopes are written out; try them."""
        small = self.models.W[0].numel() <= SMALL
        step = self.models.step
        compiled = torch.compile(
            partial(step, product=elementwise_product) if small else step, dynamic=False
        )
        self.functions = [
            compiled if has_pullback(block.activation) else step for block in self.blocks
        ]
        self.make_inputs = torch.compile(self.inputs.forward, dynamic=False)
        # Each activation and shape is a version of the one function.
        with compiling(versions=2 * len(self.blocks)):
            self(words)

    def forget_compiled(self) -> None:
        """Go back to uncompiled steps."""
        self.functions: list[Callable] = [self.models.step] * len(self.blocks)
        self.make_inputs: Callable[[Tensor], Tensor] = self.inputs.forward


Engine = AutogradEngine | ClosedFormEngine | KernelEngine


def make_engine(
    name: str,
    models: StackedAutoencoder,
    inputs: AnyInputs,
    importance: Float[Tensor, "instance feature"],
    example: Int[Tensor, "seed row batch"],
    batch: int,
    steps: int,
    threads: int = 1,
    whole: bool = True,
) -> Engine:
    """Choose how to compute gradients and say so in one line.

    The choice depends on the whole run's work, not on what is left of it, so that a resumed run
    does the same arithmetic.

    Args:
        name: the setting `engine`.
        models: whose gradients are wanted.
        inputs: makes their inputs.
        importance: ``I_i`` of each instance.
        example: words of the right shape.
        batch: samples of a step, of which each rank computes on a share.
        steps: optimizer steps of the whole run.
        threads: how many of the CPU's may train models side by side.
        whole: whether kernels are to take whole steps, if there are any; else gradients alone.
    """
    inputs = models.noisy(inputs)
    if name == "autograd":
        log.info("engine: plain autograd")
        return AutogradEngine(models, inputs, inputs.cost(models.costs(importance), batch))
    _, m, n = models.W.shape
    kind = kind_of(name, models.W.device.type, n, m, steps)
    is_float = models.W.dtype == torch.float32
    if kind and (is_float or name == kind):
        engine = engine_with_kernels(kind, models, inputs, importance, batch, threads, whole)
        if engine is not None:
            return engine
    engine = ClosedFormEngine(models, inputs, inputs.cost(models.costs(importance), batch))
    activations = len({id(activation) for activation, _ in models.activation.blocks})
    _, features, samples = inputs(example).shape
    size = (len(importance), features, samples, activations)
    if name == "compiled" or (name == "auto" and pays(models.W.device, steps, *size)):
        _compile(engine, example)
    else:
        log.info("engine: closed form")
    return engine


def _compile(engine: ClosedFormEngine, example: Tensor) -> None:
    """Compile an engine, or say why it stays as it is."""
    started = time.perf_counter()
    log.info("engine: closed form, compiling ...")
    try:
        engine.compile(example)
    except Exception as error:  # no compiler, no headers, a user's function: as many kinds of error
        reason = str(error).strip().splitlines()[0] if str(error).strip() else repr(error)
        engine.forget_compiled()
        log.info(
            "engine: compiling is not possible here (%s: %s); going on without",
            type(error).__name__,
            reason,
        )
    else:
        log.info("engine: compiled in %.1f s", time.perf_counter() - started)
