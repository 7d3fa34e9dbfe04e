"""CUDA graphs: on a GPU, the kernels of a step are recorded once and replayed ever after.

A step of small models is dozens of kernels of a few microseconds, each of which takes as long to
launch as to run. A recording is launched as one.
"""

import logging
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

log = logging.getLogger(__name__)

WARM_UP = 3
"""Calls before the recording, in which libraries set themselves up; torch's documentation asks
for a few."""


class Recorded:
    """A function of tensors that, on a CUDA device, is recorded and replayed.

    Elsewhere, and where it cannot be recorded, it is simply called. A replay reads its arguments
    from the memory that the recording read them from (they are copied there), and whatever else
    the function reads and writes where it was; the result is the same tensor each time.

    Args:
        function: what is called; it must not depend on numbers that change from call to call,
            other than those in tensors.
        device: where its tensors are.
    """

    def __init__(self, function: Callable[..., Any], device: torch.device):
        self.function = function
        self.records = device.type == "cuda"
        self.calls = 0
        self.graph: torch.cuda.CUDAGraph | None = None

    def __call__(self, *arguments: Tensor) -> Any:
        """Call the function, or replay it."""
        if not self.records:
            return self.function(*arguments)
        if self.calls < WARM_UP:
            self.calls += 1
            return self._aside(arguments)
        if self.graph is None:
            try:
                self._record(arguments)
            except RuntimeError as error:  # it reads from the device, such as a user's activation
                reason = str(error).strip().splitlines()[0]
                log.info("CUDA graph: not possible here (%s); going on without", reason)
                self.records = False
                return self.function(*arguments)
        assert self.graph is not None
        for own, given in zip(self.arguments, arguments, strict=True):
            own.copy_(given)
        self.graph.replay()
        return self.result

    def _aside(self, arguments: tuple[Tensor, ...]) -> Any:
        """Call on a stream of its own, as a recording will be made on one."""
        stream = torch.cuda.Stream()
        stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(stream):
            result = self.function(*arguments)
        torch.cuda.current_stream().wait_stream(stream)
        return result

    def _record(self, arguments: tuple[Tensor, ...]) -> None:
        """Record the function; nothing is computed yet."""
        self.arguments = [argument.clone() for argument in arguments]
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            self.result = self.function(*self.arguments)
        self.graph = graph
