"""On a GPU a whole stack is computed at once, to the same numbers and with fewer kernels."""

from collections import Counter

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from sup.model import activations
from sup.model.activations import StackedActivation, has_pullback
from sup.model.autoencoder import StackedAutoencoder
from sup.model.inputs import Inputs
from sup.training import engines
from sup.training.engines import ClosedFormEngine, in_parts

SEVEN = ("Linear", "ReLU", "GELU", "SiLU", "Sigmoid", "Tanh", "SoLU")


class Kernels(TorchDispatchMode):
    """Counts operations by name, without those that only look at memory in another way."""

    def __init__(self):
        super().__init__()
        self.counts: Counter[str] = Counter()

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        result = func(*args, **(kwargs or {}))
        given = {one.untyped_storage().data_ptr() for one in tree_leaves(args) if is_tensor(one)}
        made = [one for one in tree_leaves(result) if is_tensor(one)]
        is_view = all(one.untyped_storage().data_ptr() in given for one in made)
        if not is_view or func._schema.is_mutable:
            self.counts[func.overloadpacket.__name__] += 1
        return result


is_tensor = torch.is_tensor


class Cube(torch.nn.Module):
    """Without a slope written out."""

    def forward(self, z: torch.Tensor) -> torch.Tensor:
        return z**3


def trained(kinds: list, members: int = 2) -> tuple[ClosedFormEngine, Counter[str]]:
    """Return the engine of a stack, each activation with some instances, after one step."""
    K = len(kinds) * 2 * members
    generator = torch.Generator().manual_seed(1)
    groups = torch.arange(2).repeat_interleave(members).repeat(len(kinds))
    density = torch.tensor([[1.0], [0.3]]).double().expand(-1, 10)
    inputs = Inputs(torch.zeros(2, dtype=torch.int64), density, groups)
    activation = StackedActivation([(kind, 2 * members) for kind in kinds])
    models = StackedAutoencoder(torch.randn(K, 5, 10, generator=generator) / 3, activation)
    engine = ClosedFormEngine(models, inputs, torch.rand(K, 10, 1, generator=generator) / 64)
    words = torch.randint(2**32, (1, 10, 64), generator=generator)
    engine(words)
    with Kernels() as kernels:
        engine(words)
    return engine, kernels.counts


@pytest.fixture
def at_once(monkeypatch):
    """Compute on the CPU what a GPU computes."""

    def on_gpu(activation, device):
        return in_parts(activation, torch.device("cuda"))

    def switch() -> None:
        monkeypatch.setattr(engines, "in_parts", on_gpu)

    return switch


@pytest.mark.parametrize("others", [[], [Cube()]])
def test_a_stack_at_once_is_its_parts(others, at_once):
    kinds = [*(getattr(activations, name)() for name in SEVEN), *others]
    parts, _ = trained(kinds)
    at_once()
    whole, _ = trained(kinds)
    assert len(parts.blocks) == len(kinds)
    assert len(whole.blocks) == 1
    assert torch.allclose(parts.losses, whole.losses, rtol=1e-6)
    for one, other in zip(parts.models.parameters(), whole.models.parameters(), strict=True):
        assert one.grad is not None
        assert other.grad is not None
        assert torch.allclose(one.grad, other.grad, rtol=1e-5, atol=1e-7)


def test_more_activations_take_no_more_products(at_once):
    kinds = [getattr(activations, name)() for name in SEVEN]
    _, parts = trained(kinds)
    at_once()
    _, whole = trained(kinds)
    _, alone = trained(kinds[1:2])
    print(f"parts {parts.total()}, whole {whole.total()}, one activation {alone.total()}")
    assert whole["bmm"] == alone["bmm"]
    assert parts["bmm"] == len(kinds) * alone["bmm"]
    assert whole.total() < parts.total() / 2


def test_a_stack_at_once_is_compiled_where_all_of_it_can_be():
    assert has_pullback(StackedActivation([(activations.ReLU(), 1), (activations.GELU(), 2)]))
    assert not has_pullback(StackedActivation([(activations.ReLU(), 1), (Cube(), 2)]))
