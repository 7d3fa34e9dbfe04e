"""Fixtures: a device that records, on a machine that has none."""

from collections.abc import Iterator

import pytest
from emulated_cuda import EmulatedCuda


@pytest.fixture
def emulated_cuda(monkeypatch: pytest.MonkeyPatch) -> Iterator[EmulatedCuda]:
    """Record and replay on the CPU what is recorded and replayed on a GPU."""
    from sup.training import cuda_graph

    emulated = EmulatedCuda()
    monkeypatch.setattr(cuda_graph, "cuda", emulated)
    monkeypatch.setattr(cuda_graph, "can_record", lambda device: True)
    cuda_graph.side_stream.cache_clear()
    yield emulated
    cuda_graph.side_stream.cache_clear()
