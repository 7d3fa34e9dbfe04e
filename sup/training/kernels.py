"""Which runs are trained by kernels, and by whose: the native ones on a CPU, Triton's on CUDA.

Kernels take whole optimizer steps, in float32, of activations that say how they are written.
"""

import logging
import os
from importlib.util import find_spec
from typing import Any, Protocol, runtime_checkable

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from sup.model.autoencoder import StackedAutoencoder
from sup.model.inputs import Inputs
from sup.model.quadrature import QuadratureInputs

log = logging.getLogger(__name__)

KINDS = {"cpu": "native", "cuda": "triton"}
"""By the kind of device, whose kernels train there."""

FEWEST_STEPS = {"native": 100, "triton": 1_000}
"""Steps from which a run is worth kernels, which are compiled for each activation, once on a
machine: in a second the native ones, Triton's in ten. Not how many models there are: alone they
must be what they are stacked."""

MOST_FEATURES = 2_048
"""Up to how many features there are native kernels: sums of as many vectors are on a thread's
stack, of which systems give half a megabyte or more."""

MOST_HIDDEN = 64
"""Up to how many hidden dimensions there are Triton's: a block of samples has them in registers."""

MOST_REGISTERS = 101
"""Numbers of a sample up to which it stays in a GPU thread's 255 registers. Larger models, whose
features come in tiles, Triton trains only where it is asked to: by the instructions of its kernels
they take twice what torch's products do, compiled (1.1 ms against .55 for 140 models of n=200)."""


KERNELS_INPUTS = (Inputs, QuadratureInputs)
"""Inputs that kernels make themselves."""


class NoKernelError(RuntimeError):
    """There can be no kernel here; says why, in one line."""


@runtime_checkable
class KernelSteps(Protocol):
    """Takes whole steps inside kernels."""

    def parts(self, steps: range) -> list[range]:
        """Return some steps in parts, each of a call."""
        ...

    def take(self, steps: range, scheduler: Any, rows: np.ndarray) -> None:
        """Take some steps, of one part.

        Args:
            steps: which.
            scheduler: of the optimizer's rates.
            rows: into which row of the loss sums the loss of each goes.
        """
        ...


@runtime_checkable
class KernelEngine(Protocol):
    """Computes losses and gradients in kernels, and lets them take whole steps."""

    def __call__(self, words: Int[Tensor, "seed feature batch"]) -> Float[Tensor, " instance"]:
        """Return each instance's loss; leave the gradients in the parameters' `grad`."""
        ...

    def whole_steps(
        self, seeds: tuple[int, ...], samples: int, last: int, module: Any, optimizer: Any
    ) -> KernelSteps:
        """Return what takes whole steps.

        Args:
            seeds: the distinct seeds.
            samples: of a step.
            last: the number of steps in the whole run.
            module: which keeps the losses, and where they were not finite any more.
            optimizer: a `StackedAdam`.
        """
        ...


def in_parts(steps: range, most: int) -> list[range]:
    """Return some steps in parts of at most so many."""
    starts = range(steps.start, steps.stop, most)
    return [range(start, min(start + most, steps.stop)) for start in starts]


def kind_of(engine: str, device: str, n: int, m: int, steps: int) -> str | None:
    """Return whose kernels are to train a run, where there can be any; None for nobody's.

    Args:
        engine: the setting.
        device: what trains it, as torch calls it.
        n, m: features and hidden dimensions.
        steps: of the whole run, so that a resumed one does the same arithmetic.
    """
    if engine != "auto":
        return engine if engine in KINDS.values() else None
    kind = KINDS.get(device)
    if kind is None or steps < FEWEST_STEPS[kind]:
        return None
    return None if kind == "triton" and registers(n, m) > MOST_REGISTERS else kind


def registers(n: int, m: int) -> int:
    """Return the numbers that a sample takes: four a feature, h twice, the gradients' sums."""
    return m * n + 4 * n + 2 * m + 1


def check_possible(kind: str, device: str, is_float32: bool, n: int, m: int) -> None:
    """Check that kernels of a kind can train models of a size on a device of this machine.

    Raises:
        NoKernelError: where they cannot.
    """
    own = "CUDA" if kind == "triton" else "a CPU"
    is_there = KINDS.get(device) == kind or (kind == "triton" and is_interpreted())
    if not (is_there and is_float32):
        precision = "32" if is_float32 else "64"
        raise NoKernelError(f"it trains in float32 on {own}, not in float{precision} on {device}")
    if kind == "native":
        if n > MOST_FEATURES:
            raise NoKernelError(f"it takes at most {MOST_FEATURES} features, not {n}")
        from sup.training.native.compiler import compiler

        compiler()
    elif m > MOST_HIDDEN:
        raise NoKernelError(f"it takes at most {MOST_HIDDEN} hidden dimensions, not {m}")
    elif not find_spec("triton"):
        raise NoKernelError("Triton is not installed")


def is_interpreted() -> bool:
    """Tell whether Triton's interpreter runs its kernels, on any device."""
    return os.environ.get("TRITON_INTERPRET") == "1"


def engine_with_kernels(
    kind: str,
    models: StackedAutoencoder,
    inputs: Any,
    importance: Float[Tensor, "instance feature"],
    batch: int,
    threads: int,
    whole: bool,
) -> KernelEngine | None:
    """Make an engine with kernels of a kind, or say why there is none.

    Args:
        kind: whose.
        models: whose gradients are wanted.
        inputs: makes their inputs.
        importance: ``I_i`` of each instance.
        batch: samples of a step, by which its loss is divided.
        threads: how many of the CPU's may train models side by side.
        whole: whether it is to take whole steps; else gradients alone.
    """
    W = models.W
    try:
        if type(models) is not StackedAutoencoder or not isinstance(inputs, KERNELS_INPUTS):
            raise NoKernelError("it trains plain models, on independent features in [0, 1]")
        check_possible(kind, W.device.type, W.dtype == torch.float32, W.shape[2], W.shape[1])
        if kind == "native":
            from sup.training.native.engine import NativeEngine

            engine = NativeEngine(models, inputs, importance, batch, threads)
        else:
            from sup.training.triton.engine import TritonEngine

            engine = TritonEngine(models, inputs, importance, batch, whole)
    except (NoKernelError, ValueError) as error:
        log.info("engine: %s is not possible here (%s); going on with torch", kind, error)
        return None
    log.info("engine: %s", kind)
    return engine
