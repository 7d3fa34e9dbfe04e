"""What the output of a model is to be: the input itself, or a function of it.

A model that is to compute something of features in superposition, "Computation in Superposition" of
Elhage et al., 2022, has |x| as its target, of signed features.
"""

from collections.abc import Callable

import torch
from torch import Tensor

TASKS: dict[str, Callable[[Tensor], Tensor]] = {"identity": lambda x: x, "abs": torch.abs}


def target_of(task: str) -> Callable[[Tensor], Tensor]:
    """Return the function of the input that the output is to be; 0 has to be 0."""
    return TASKS[task]
