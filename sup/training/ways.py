"""Two ways to take the steps of a chunk: one by one in torch, or all of them inside a kernel."""

import copy
from collections.abc import Callable
from typing import Any, Protocol, runtime_checkable

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from sup.system import signals
from sup.training.clipping import clipped
from sup.training.cuda_graph import Recorded
from sup.training.data import Chunk, WordsDataModule
from sup.training.data_parallel import Shard
from sup.training.engines import make_engine
from sup.training.kernels import KernelEngine, KernelSteps
from sup.training.optimizer import StackedAdam

Module = Any
"""A `SuperpositionModule`, whose file imports this one."""


@runtime_checkable
class Way(Protocol):
    """Takes the steps of chunks."""

    def take(self, chunk: Chunk) -> None:
        """Take the steps of a chunk, up to where a signal asks for the end."""
        ...


def way_of(module: Module, shard: Shard, data: WordsDataModule) -> Way:
    """Choose how a module takes its steps, on the device where it is.

    Args:
        module: the models, with their optimizer.
        shard: the part of each batch that is this rank's.
        data: which words they are trained on.
    """
    recipe = module.recipe
    shape = (len(data.seeds), data.rows, data.batch_size)
    optimizer: Any = module.optimizers(use_pl_optimizer=False)
    is_whole = shard.ranks == 1 and recipe.clip is None and isinstance(optimizer, StackedAdam)
    is_whole &= data.period is None  # kernels draw fresh words
    engine = make_engine(
        recipe.engine,
        module.autoencoder,
        module.inputs,
        module.importance,
        example=shard.of(torch.full(shape, 2**31, device=module.device)),
        batch=data.batch_size,
        steps=recipe.steps,
        threads=recipe.threads,
        whole=is_whole,
    )
    if isinstance(engine, KernelEngine) and is_whole:
        return InKernels(
            module,
            engine.whole_steps(data.seeds, data.batch_size, recipe.steps, module, optimizer),
        )
    parameters = list(module.parameters())
    whole = shard.all_reduced(Recorded(engine, module.device), parameters)
    return OneByOne(module, clipped(whole, parameters, recipe.clip, recipe.clip_kind))


class InKernels:
    """Takes steps inside kernels, which also see what is not finite.

    Args:
        module: whose steps.
        steps: takes them.
    """

    def __init__(self, module: Module, steps: KernelSteps):
        self.module = module
        self.steps = steps

    def take(self, chunk: Chunk) -> None:
        """Take the steps of a chunk, up to where a signal asks for the end."""
        scheduler: Any = self.module.lr_schedulers()
        row = self.module.measurement(chunk.steps.stop)
        for part in self.steps.parts(chunk.steps):
            if signals.asked():
                break
            self.steps.take(part, scheduler, np.full(len(part), row, np.int32))
            self.module.step = part.stop


class OneByOne:
    """Takes steps one by one: gradients, then the optimizer, then the schedule.

    Nothing is looked at within a chunk, which would cost a small model much of its speed. Where an
    instance was not finite at the end, the chunk is taken once more with a look at every step.

    Args:
        module: whose steps.
        gradients: returns each instance's loss on a batch, and leaves the parameters' `grad`.
    """

    def __init__(self, module: Module, gradients: Callable[[Tensor], Tensor]):
        self.module = module
        self.gradients = gradients
        self.optimizer: Any = module.optimizers(use_pl_optimizer=False)
        self.scheduler: Any = module.lr_schedulers()

    def take(self, chunk: Chunk) -> None:
        """Take the steps of a chunk, up to where a signal asks for the end."""
        if self.module.diverged_at.any():
            self.walk(chunk, self.guarded_step)
            return
        before = self.state(chunk)
        self.walk(chunk, self.plain_step)
        if not self.is_finite(chunk):
            self.go_back(chunk, before)
            self.walk(chunk, self.guarded_step)

    def walk(self, chunk: Chunk, step: Callable[[Tensor], Tensor]) -> None:
        """Take steps of one kind."""
        sums = self.module.loss_sums[self.module.measurement(chunk.steps.stop)]
        for number, words in zip(chunk.steps, chunk, strict=True):
            # Before the step: chunks are taken again, and then not one more step may be taken.
            if signals.asked():
                break
            sums += step(words)
            self.module.step = number + 1

    def plain_step(self, words: Int[Tensor, "seed row batch"]) -> Float[Tensor, " instance"]:
        """Take one step and return the losses before it."""
        losses = self.gradients(words)
        self.optimizer.step()
        self.scheduler.step()
        return losses

    def guarded_step(self, words: Int[Tensor, "seed row batch"]) -> Float[Tensor, " instance"]:
        """Take one step, but freeze the instances that it makes infinite or not a number.

        The others take just the step that they would have taken. Of the frozen ones, the loss is
        not a number.
        """
        module = self.module
        before = [parameter.detach().clone() for parameter in module.parameters()]
        losses = self.plain_step(words)
        bad = ~(losses.isfinite() & self.finite_weights())
        module.diverged_at[bad & (module.diverged_at == 0)] = module.step + 1
        frozen = module.diverged_at > 0
        for parameter, old in zip(module.parameters(), before, strict=True):
            own = frozen.view(-1, *(1,) * (parameter.ndim - 1))
            parameter.detach().copy_(torch.where(own, old, parameter.detach()))
        return losses.masked_fill(frozen, torch.nan)

    def finite_weights(self) -> Bool[Tensor, " instance"]:
        """Tell which instances' weights are all finite."""
        finite = [one.isfinite().flatten(1).all(1) for one in self.module.parameters()]
        return torch.stack(finite).all(0)

    def is_finite(self, chunk: Chunk) -> bool:
        """Tell whether all weights, and all losses up to the end of a chunk, are finite."""
        losses = self.module.loss_sums[self.module.measurement(chunk.steps.stop)]
        return bool((losses.isfinite() & self.finite_weights()).all())

    def state(self, chunk: Chunk) -> dict[str, Any]:
        """Return a copy of all that the steps of a chunk change."""
        state = {
            "sums": self.module.loss_sums[self.module.measurement(chunk.steps.stop)],
            "weights": dict(self.module.named_parameters()),
            "optimizer": self.optimizer.state_dict(),
            "scheduler": self.scheduler.state_dict(),
        }
        with torch.no_grad():
            return _copied(state)

    @torch.no_grad()
    def go_back(self, chunk: Chunk, before: dict[str, Any]) -> None:
        """Undo the steps of a chunk."""
        self.module.step = chunk.steps.start
        self.module.loss_sums[self.module.measurement(chunk.steps.stop)] = before["sums"]
        for name, parameter in self.module.named_parameters():
            parameter.copy_(before["weights"][name])
        self.optimizer.load_state_dict(before["optimizer"])
        self.scheduler.load_state_dict(before["scheduler"])


def _copied(state: Any) -> Any:
    """Copy a state with all its tensors; `copy.deepcopy` refuses those that require gradients."""
    if torch.is_tensor(state):
        return state.clone()
    if isinstance(state, dict):
        return {key: _copied(value) for key, value in state.items()}
    return copy.deepcopy(state)
