"""The memory of a step: what it makes, what lives at once, and what is estimated of it on a GPU."""

import weakref
from collections import Counter

import pytest
import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from sup.model.closed_form import loss_and_gradient
from sup.sweep.memory import CONTEXT, needed, of_evaluation, of_step
from sup.training import plain_samples
from sup.training.engines import AutogradEngine, ClosedFormEngine
from sup.training.stack import Stack


def arrays(values) -> list[Tensor]:
    return [leaf for leaf in tree_leaves(values) if torch.is_tensor(leaf)]


class Live(TorchDispatchMode):
    """Counts the bytes of all arrays that operations have made and that are still held."""

    def __init__(self):
        super().__init__()
        self.now = self.peak = self.made = 0
        self.holders: Counter[int] = Counter()

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        given = {one.untyped_storage()._cdata for one in arrays((args, kwargs))}
        result = func(*args, **(kwargs or {}))
        for one in arrays(result):
            memory = one.untyped_storage()
            place, size = memory._cdata, memory.nbytes()
            if place in given and place not in self.holders:
                continue  # an argument's
            new = 0 if self.holders[place] else size
            self.now += new
            self.made += new
            self.peak = max(self.peak, self.now)
            self.holders[place] += 1
            weakref.finalize(one, self.let_go, place, size)
        return result

    def let_go(self, place: int, size: int) -> None:
        self.holders[place] -= 1
        if not self.holders[place]:
            del self.holders[place]
            self.now -= size


META = torch.device("meta")


def step(stack: Stack, batch: int, costs: int = 1) -> Live:
    """Return what a step of a whole stack takes, each model with its own input.

    Args:
        stack: the models.
        batch: samples.
        costs: 1, or one for each sample.
    """
    settings, K = stack.settings, stack.size
    n, m = settings.n_features, settings.n_hidden
    W, b = torch.empty(K, m, n, device=META), torch.empty(K, n, device=META)
    x, cost = torch.empty(1, n, batch, device=META), torch.empty(K, n, costs, device=META)
    places = torch.zeros(K, dtype=torch.int64, device=META)
    with torch.no_grad(), Live() as live:
        loss_and_gradient(W, b, x[places], cost, stack.activation(META))
    return live


def test_a_cost_of_each_sample_is_read_and_never_copied(make_run):
    stack = Stack.of([make_run("sparsity=[0,0.5]")])
    assert step(stack, 100, costs=100).made == step(stack, 100).made


def test_on_a_gpu_all_activations_take_memory_at_once(make_run, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    wide = ("n_features=50", "n_hidden=10", "batch_size=16384", "sparsity=[0,0.5,0.9,0.99]")
    names = ("relu", "gelu", "silu", "tanh", "solu")
    for chosen in (names, names[-1:]):
        runs = [make_run(f"activation={name}", *wide) for name in chosen]
        stack = Stack.of(runs)
        estimated, peak = needed(stack) - CONTEXT, step(stack, 16384).peak
        print(f"estimated {estimated / 2**20:.0f} MiB, at once {peak / 2**20:.0f}")
        assert 1 < estimated / peak < 2.5


WIDE = ("n_features=50", "n_hidden=10", "batch_size=256", "sparsity=[0,0.5,0.9,0.99]")

OTHERS = {
    "drawn": ("features=correlated", "magnitude=normal", "seed=[0,1,2]"),
    "drawn, of one seed": ("features=hierarchical", "magnitude=exponential"),
    "untied": (
        *("model=untied", "model.hidden_activation=gelu", "model.noise=0.1", "model.l1=0.1"),
        *("model.task=abs", "model.unit_norm=true", "seed=[0,1,2]"),
    ),
    "tied, of one input": ("model=tied", "sparsity=0.5", "importance.decay=[0.6,0.7,0.8,0.9]"),
}


@pytest.mark.parametrize("engine", [ClosedFormEngine, AutogradEngine])
@pytest.mark.parametrize("kind", OTHERS)
def test_what_other_inputs_and_models_take_is_estimated(kind, engine, make_run):
    name = {ClosedFormEngine: "eager", AutogradEngine: "autograd"}[engine]
    stack = Stack.of([make_run(*WIDE, *OTHERS[kind], f"engine={name}")])
    module = stack.module(torch.device("cpu"))
    models, inputs = module.autoencoder, module.autoencoder.noisy(module.inputs)
    trained = engine(models, inputs, inputs.cost(models.costs(module.importance), 256))
    models.gradients()
    words = torch.zeros(len(stack.seeds), stack.rows, 256, dtype=torch.int64)
    with Live() as live:
        trained(words)
    estimated = 4 * of_step(stack)
    print(f"estimated {estimated / 2**20:.1f} MiB, measured {live.peak / 2**20:.1f}")
    assert 1.2 < estimated / live.peak < 2.7


@pytest.mark.parametrize("kind", OTHERS)
def test_what_their_evaluation_takes_is_estimated(kind, make_run, monkeypatch):
    monkeypatch.setattr(plain_samples, "BATCHES", 2)
    stack = Stack.of([make_run(*WIDE, *OTHERS[kind])])
    module, inputs = stack.module(torch.device("cpu")), stack.held_out_maker()
    with Live() as live:
        plain_samples.evaluate_on_samples(module.autoencoder, inputs, module.importance)
    assert 1.2 < 4 * of_evaluation(stack) / live.peak < 2.5


def test_a_gpu_needs_room_of_its_own(make_run, monkeypatch):
    def estimated(where: str, is_there: bool) -> int:
        monkeypatch.setattr(torch.cuda, "is_available", lambda: is_there)
        return needed(Stack.of([make_run(f"trainer={where}", "steps=10")]))

    on_cpu = estimated("cpu", True)
    assert estimated("auto", False) == on_cpu
    assert estimated("auto", True) == estimated("gpu", True) == on_cpu + CONTEXT
