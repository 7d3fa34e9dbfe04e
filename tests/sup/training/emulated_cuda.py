"""Streams and graphs of CUDA, emulated on a CPU, as far as `sup.training.cuda_graph` uses them."""

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from weakref import WeakSet

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

LOOKS = (torch.Tag.data_dependent_output, torch.Tag.dynamic_output_shape)
"""Marks of operations whose result the processor must wait for, such as `item` and `nonzero`."""

DRAWS = torch.Tag.nondeterministic_seeded


def looks(func: Any, args: Any) -> bool:
    """Tell whether an operation would wait for the device; of indices, only masks do."""
    if func is torch.ops.aten.index.Tensor:
        return any(one.dtype in (torch.bool, torch.uint8) for one in tensors(args[1]))
    return not set(LOOKS).isdisjoint(func.tags)


def tensors(values: Any) -> list[Tensor]:
    return [leaf for leaf in tree_leaves(values) if torch.is_tensor(leaf)]


def written(func: Any, args: Any, kwargs: dict[str, Any]) -> list[Tensor]:
    """Return the tensors that an operation writes to."""
    arguments = func._schema.arguments
    given = [*zip(arguments, args, strict=False)]
    given += [(one, kwargs[one.name]) for one in arguments if one.name in kwargs]
    return tensors([value for one, value in given if one.alias_info and one.alias_info.is_write])


class Looks(TorchDispatchMode):
    """Warns of each operation that would wait for a device."""

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if looks(func, args):
            warnings.warn("called a synchronizing CUDA operation", stacklevel=2)
        return func(*args, **(kwargs or {}))


class Graph(TorchDispatchMode):
    """A list of operations with the tensors that they read and write; recording computes nothing.

    What an operation makes stays where it was made, as in a graph's own memory.
    """

    def __init__(self) -> None:
        super().__init__()
        self.operations: list[tuple[Any, Any, dict[str, Any], list[Tensor]]] = []
        self.overwritten: list[tuple[Tensor, Tensor]] = []
        self.on_replay: Callable[[], None] = lambda: None

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        if looks(func, args) or DRAWS in func.tags:
            raise RuntimeError(f"{func}: operation not permitted when stream is capturing")
        self.overwritten += [(one, one.clone()) for one in written(func, args, kwargs)]
        result = func(*args, **kwargs)
        known = {one.untyped_storage().data_ptr() for one in tensors((args, kwargs))}
        made = [one for one in tensors(result) if one.untyped_storage().data_ptr() not in known]
        self.operations.append((func, args, kwargs, made))
        return result

    @torch.no_grad()
    def end(self) -> None:
        """Undo all: what was overwritten is there again, and what was made holds no result."""
        for tensor, value in reversed(self.overwritten):
            tensor.copy_(value)
        for *_, made in self.operations:
            for one in made:
                one.fill_(torch.nan if one.is_floating_point() else -1)

    @torch.no_grad()
    def replay(self) -> None:
        self.on_replay()
        for func, args, kwargs, made in self.operations:
            again = tensors(func(*args, **kwargs))
            for one, value in zip(made, again if made else (), strict=True):
                one.copy_(value)


class EmulatedStream:
    def __init__(self, device: Any = None) -> None:
        self.waited_for: list[EmulatedStream] = []

    def wait_stream(self, other: "EmulatedStream") -> None:
        self.waited_for.append(other)


class EmulatedCuda:
    """What `sup.training.cuda_graph` takes from `torch.cuda`."""

    CUDAGraph = Graph

    def __init__(self) -> None:
        self.streams: list[EmulatedStream] = []
        self.graphs: WeakSet[Graph] = WeakSet()
        self.recordings = self.replays = 0
        self.modes: list[str] = []
        self.main = self.now = EmulatedStream()
        self.debug: Any = 0

    def replayed(self) -> None:
        self.replays += 1

    def Stream(self, device: Any) -> EmulatedStream:  # noqa: N802
        self.streams.append(EmulatedStream(device))
        return self.streams[-1]

    def current_stream(self) -> EmulatedStream:
        return self.now

    @contextmanager
    def stream(self, stream: EmulatedStream) -> Iterator[None]:
        before, self.now = self.now, stream
        try:
            yield
        finally:
            self.now = before

    def get_sync_debug_mode(self) -> Any:
        return self.debug

    def set_sync_debug_mode(self, mode: Any) -> None:
        if isinstance(self.debug, Looks):
            self.debug.__exit__(None, None, None)
        self.debug = mode
        if mode == "warn":
            warnings.warn("Synchronization debug mode is a prototype feature", stacklevel=2)
            self.debug = Looks()
            self.debug.__enter__()

    @contextmanager
    def graph(
        self, graph: Graph, *, stream: EmulatedStream, capture_error_mode: str
    ) -> Iterator[None]:
        """Record; as torch 2.13 does, stay on the stream where that fails."""
        self.modes.append(capture_error_mode)
        before, self.now = self.now, stream
        try:
            with graph:
                yield
        except BaseException:
            raise RuntimeError("operation failed due to a previous error during capture")  # noqa: B904
        finally:
            graph.end()
        self.graphs.add(graph)
        self.recordings += 1
        graph.on_replay = self.replayed
        self.now = before
