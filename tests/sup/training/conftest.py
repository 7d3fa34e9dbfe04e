"""Fixtures: engines of a few models; a device that records, on a machine that has none."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import torch
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


def an_engine(kind: type) -> Any:
    """Make an engine of two activations, whose models look at three inputs of two seeds."""
    from sup.model.activations import GELU, SoLU, StackedActivation
    from sup.model.autoencoder import StackedAutoencoder
    from sup.model.inputs import Inputs

    generator = torch.Generator().manual_seed(1)
    groups = torch.tensor([0, 1, 2, 0, 1, 2])
    density = torch.tensor([[1.0], [0.5], [0.1]]).double().expand(-1, 6)
    inputs = Inputs(torch.tensor([0, 1, 1]), density, groups)
    W = torch.randn(6, 3, 6, generator=generator)
    models = StackedAutoencoder(W, StackedActivation([(GELU(), 4), (SoLU(), 2)]))
    return kind(models, inputs, torch.rand(6, 6, 1, generator=generator))


@pytest.fixture
def small_engine() -> Callable[[type], Any]:
    """Return what makes an engine of a kind."""
    return an_engine
