"""CUDA graphs: on a GPU, the kernels of a step are recorded once and replayed ever after.

A step of small models is dozens of kernels of a few microseconds, each of which takes as long to
launch as to run. A recording is launched as one.
"""

import logging
import warnings
from collections.abc import Callable
from functools import cache
from typing import Any

import torch
from torch import Tensor, cuda

from sup.config.rules import in_one_line

log = logging.getLogger(__name__)

WARM_UP = 3
"""Calls before the recording, in which libraries set themselves up; torch's documentation asks
for a few."""

WAITS = "called a synchronizing CUDA operation"
"""How torch warns of an operation that waits for the device, such as a look at a number there."""


def can_record(device: torch.device) -> bool:
    """Tell whether what runs on a device can be recorded."""
    return device.type == "cuda"


@cache
def side_stream(device: torch.device) -> Any:
    """Return the stream for warming up and recording: one, as it keeps the memory it has used."""
    return cuda.Stream(device)


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
        self.device = device
        self.records = can_record(device)
        self.calls = 0
        self.graph: Any = None

    def __call__(self, *arguments: Tensor) -> Any:
        """Call the function, or replay it."""
        if self.records and self.calls < WARM_UP:
            self.calls += 1
            return self._aside(arguments) if self.calls < WARM_UP else self._watched(arguments)
        if self.records and self.graph is None:
            self._record(arguments)
        if self.graph is None:
            return self.function(*arguments)
        for own, given in zip(self.arguments, arguments, strict=True):
            own.copy_(given)
        self.graph.replay()
        return self.result

    def _aside(self, arguments: tuple[Tensor, ...]) -> Any:
        """Call on a stream of its own, as a recording will be made on one."""
        stream = side_stream(self.device)
        stream.wait_stream(cuda.current_stream())
        with cuda.stream(stream):
            result = self.function(*arguments)
        cuda.current_stream().wait_stream(stream)
        return result

    def _watched(self, arguments: tuple[Tensor, ...]) -> Any:
        """Call aside, and see whether it waits for the device.

        It would in a recording too, which then fails; and one that fails keeps its memory until the
        process ends (torch 2.13).
        """
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            before = cuda.get_sync_debug_mode()
            cuda.set_sync_debug_mode("warn")
            try:
                result = self._aside(arguments)
            finally:
                cuda.set_sync_debug_mode(before)
        if any(WAITS in str(warning.message) for warning in caught):
            self._go_on_without("it waits for the device")
        return result

    def _record(self, arguments: tuple[Tensor, ...]) -> None:
        """Record the function, if that is possible; nothing is computed yet.

        Raises:
            torch.OutOfMemoryError: where there is no memory for it.
        """
        own = [argument.clone() for argument in arguments]
        graph = cuda.CUDAGraph()
        stream = side_stream(self.device)
        try:
            with (
                torch.compiler.set_stance("fail_on_recompile"),
                # By itself torch stays on the stream of a recording that has failed.
                cuda.stream(stream),
                # What other threads ask of the device meanwhile is no matter of this recording.
                cuda.graph(graph, stream=stream, capture_error_mode="thread_local"),
            ):
                result = self.function(*own)
        except RuntimeError as error:
            first = _first(error)
            if isinstance(first, torch.OutOfMemoryError):
                raise first from None
            self._go_on_without(in_one_line(first))
            return
        self.graph, self.arguments, self.result = graph, own, result

    def _go_on_without(self, reason: str) -> None:
        """Call the function from now on."""
        log.info("CUDA graph: not possible here (%s); going on without", reason)
        self.records = False


def _first(error: RuntimeError) -> RuntimeError:
    """Return what went wrong first: the end of a recording that has failed is an error as well."""
    return error.__context__ if isinstance(error.__context__, RuntimeError) else error
