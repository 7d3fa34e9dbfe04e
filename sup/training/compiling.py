"""torch's compiler: when it pays, and how it is asked."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch


@dataclass(frozen=True)
class Price:
    """What compiling takes, and what it saves.

    Args:
        seconds: for one activation's step, the first time.
        saved: seconds in a step, for each number in ``[instance, feature, batch]``.
    """

    seconds: float
    saved: float


ON_CPU = Price(4.0, 2e-9)
"""Measured on two cores: 3 to 5 s, and 1.8 to 3.4 ns (benchmarks/README.md)."""

ON_GPU = Price(8.0, 3e-11)
"""Estimated for an H100, not measured: some ten passes over its memory, 3 TB/s, are saved."""


def pays(
    device: torch.device, steps: int, instances: int, features: int, batch: int, activations: int
) -> bool:
    """Tell whether compiling takes less time than it saves in a whole run."""
    price = ON_CPU if device.type == "cpu" else ON_GPU
    return steps * instances * features * batch * price.saved > price.seconds * activations


@contextmanager
def compiling(versions: int) -> Iterator[None]:
    """Have torch compile up to so many versions of a function.

    It counts those of all stacks in a process, and beyond a limit, eight, goes on without a word
    and uncompiled: what earlier stacks have compiled is forgotten.
    """
    torch.compiler.reset()
    limits: Any = torch._dynamo.config
    with (
        warnings.catch_warnings(),
        limits.patch(recompile_limit=max(limits.recompile_limit, versions)),
    ):
        # Products are made in full precision on purpose.
        warnings.filterwarnings("ignore", message="TensorFloat32 tensor cores")
        yield
