"""What Python tells the kernel: the structures of `call.h`, filled in from tensors."""

import ctypes
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor

LANES = 16
"""Samples in a vector."""

POINTERS = (
    *("W", "b", "mean_W", "mean_b", "square_W", "square_b", "gradient_W", "gradient_b"),
    *("loss", "diverged_at", "importance", "decay", "parameter", "seed", "input", "rate_group"),
    *("words", "last", "scale", "nodes", "probability", "rate", "mean_bias", "square_bias"),
    "row",
)
NUMBERS = ("share1", "beta2", "share2", "eps")
COUNTS = (
    *("models", "all_models", "seeds", "rate_groups", "first_step", "steps", "samples", "next"),
)


class Call(ctypes.Structure):
    """One block of models and the steps that they take; see `call.h`."""

    _fields_ = (
        *((name, ctypes.c_void_p) for name in POINTERS),
        *((name, ctypes.c_float) for name in NUMBERS),
        *((name, ctypes.c_int64) for name in COUNTS),
    )


class Draw(ctypes.Structure):
    """Words to be drawn; see `call.h`."""

    _fields_ = (
        ("words", ctypes.c_void_p),
        ("seed", ctypes.c_void_p),
        *(
            (name, ctypes.c_int64)
            for name in (
                *("seeds", "features", "first_step", "steps", "first_sample", "samples", "block"),
                *("purpose", "next"),
            )
        ),
    )


class Held:
    """A structure with the arrays that its pointers point to, which must live as long."""

    def __init__(self, structure: Any):
        self.structure = structure
        self.arrays: dict[str, Any] = {}

    def point(self, name: str, values: Tensor | np.ndarray) -> None:
        """Have a pointer point to an array, which is contiguous."""
        if torch.is_tensor(values):
            assert values.is_contiguous(), name
            address = values.data_ptr()
        else:
            assert values.flags.c_contiguous, name
            address = values.ctypes.data
        self.arrays[name] = values
        setattr(self.structure, name, address)

    def point_all(self, arrays: Mapping[str, Tensor | np.ndarray]) -> None:
        """Have pointers point to arrays, by name."""
        for name, values in arrays.items():
            self.point(name, values)


def blocked(values: np.ndarray, block: int) -> np.ndarray:
    """Lay out ``[..., feature, sample]`` as ``[..., block, feature, vector, lane]``, with zeros.

    Args:
        values: one number for each feature and sample.
        block: vectors of a block.
    """
    *outer, features, samples = values.shape
    size = block * LANES
    blocks = -(-samples // size)
    room = np.zeros((*outer, features, blocks * size), values.dtype)
    room[..., :samples] = values
    parts = room.reshape(*outer, features, blocks, size)
    return np.ascontiguousarray(np.moveaxis(parts, -2, -3))


def words_in(samples: int, features: int, block: int) -> int:
    """Return how many words the inputs of one step and seed take, laid out so."""
    size = block * LANES
    return -(-samples // size) * size * features
