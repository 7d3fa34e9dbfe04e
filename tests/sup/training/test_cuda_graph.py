"""What is recorded is what is done, shown where a recording is emulated; elsewhere it is called."""

from collections.abc import Callable
from contextlib import nullcontext

import numpy as np
import pytest
import torch
from torch import Tensor

from sup.training.cuda_graph import WARM_UP, Recorded
from sup.training.engines import AutogradEngine, ClosedFormEngine
from sup.training.optimizer import StackedAdam

CPU = torch.device("cpu")


def given(count: int) -> list[Tensor]:
    generator = torch.Generator().manual_seed(0)
    return [torch.randn(4, 8, generator=generator) for _ in range(count)]


def test_without_a_gpu_every_call_is_a_call():
    seen = []

    def function(x: Tensor) -> Tensor:
        seen.append(x)
        return 2 * x

    recorded = Recorded(function, CPU)
    several = given(6)
    results = [recorded(x) for x in several]
    assert all(a is b for a, b in zip(seen, several, strict=True))
    assert all(torch.equal(r, 2 * x) for r, x in zip(results, several, strict=True))


@pytest.mark.parametrize("kind", [AutogradEngine, ClosedFormEngine])
def test_a_replayed_engine_leaves_the_bits_of_a_called_one(kind, small_engine, emulated_cuda):
    generator = torch.Generator().manual_seed(2)
    batches = [torch.randint(2**32, (2, 6, 16), generator=generator) for _ in range(8)]
    called, made = small_engine(kind), small_engine(kind)
    replayed = Recorded(made, CPU)
    for words in batches:
        assert torch.equal(called(words), replayed(words))
        for one, other in zip(called.models.parameters(), made.models.parameters(), strict=True):
            assert one.grad is not None
            assert other.grad is not None
            assert torch.equal(one.grad, other.grad)
    assert emulated_cuda.replays == len(batches) - WARM_UP


SETTINGS = (
    *("steps=120", "sparsity=[0,0.9]", "seed=[0,1]", "optimizer.weight_decay=[0,0.1]"),
    *("optimizer.lr=[0.01,0.001,1e30]", "trainer=cpu", "~callbacks.checkpoint"),
)


@pytest.mark.parametrize("chosen", ["eager", "autograd"])
def test_a_replayed_fit_is_the_fit_itself_also_where_it_diverges(
    chosen, make_run, train_runs, request
):
    def trained():
        settings = (*SETTINGS, f"engine={chosen}")
        return train_runs(make_run(*settings), make_run("activation=solu", *settings))

    plain = trained()
    emulated = request.getfixturevalue("emulated_cuda")
    replayed = trained()
    assert emulated.recordings == 2  # of gradients and of the update
    assert emulated.replays > 2 * 100
    for one, other in zip(plain, replayed, strict=True):
        assert one["diverged"].any()
        for name in ("W", "b", "loss", "training_loss", "first_bad_step"):
            assert np.array_equal(one[name], other[name], equal_nan=True)


class Baked(StackedAdam):
    """An update by the rate that it has read from where no recording looks again."""

    def update(self) -> None:
        self._values.sub_(self._gradients * self.param_groups[0]["lr"])


def test_a_rate_that_is_baked_in_shows(emulated_cuda):
    def trained(kind: type[StackedAdam]) -> Tensor:
        (parameter,) = (torch.ones(2, 3, requires_grad=True),)
        optimizer = kind([parameter], torch.full((2,), 0.1), torch.zeros(2))
        schedule = torch.optim.lr_scheduler.ExponentialLR(optimizer, 0.5)
        for number in range(6):
            parameter.grad = torch.full((2, 3), number + 1.0)
            optimizer.step()
            schedule.step()
        return parameter.detach().clone()

    def both(kind: type[StackedAdam]) -> bool:
        replayed = trained(kind)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("sup.training.cuda_graph.can_record", lambda device: False)
            return torch.equal(replayed, trained(kind))

    assert both(StackedAdam)
    assert not both(Baked)


def counting(function: Callable[[Tensor, Tensor], Tensor]) -> tuple[Callable, Tensor]:
    """Return a function that also adds to a sum, and the sum, which shows how often it was done."""
    total = torch.zeros(())

    def counted(x: Tensor) -> Tensor:
        total.add_(1)
        return function(x, total)

    return counted, total


def looks(x: Tensor, total: Tensor) -> Tensor:
    return x * 2 if x.sum().item() > 0 else x * 3


def looks_elsewhere(x: Tensor, total: Tensor) -> Tensor:
    return x[x > 0].sum()


@pytest.mark.parametrize("function", [looks, looks_elsewhere])
def test_what_waits_for_the_device_is_called_and_never_recorded(function, emulated_cuda, caplog):
    caplog.set_level("INFO", "sup")
    counted, total = counting(function)
    recorded = Recorded(counted, CPU)
    for x in given(7):
        assert torch.equal(recorded(x), function(x, total))
    assert total == 7
    assert emulated_cuda.modes == []  # no recording was begun
    assert emulated_cuda.debug == 0
    assert emulated_cuda.now is emulated_cuda.main
    assert "CUDA graph: not possible here (it waits for the device)" in caplog.text


def looks_late(x: Tensor, total: Tensor) -> Tensor:
    calls.append(1)
    return x * 2 if len(calls) <= WARM_UP or x.sum().item() > 0 else x * 3


calls: list[int] = []


def test_a_recording_that_fails_leaves_all_as_it_was(emulated_cuda, caplog, monkeypatch):
    caplog.set_level("INFO", "sup")
    calls.clear()
    counted, total = counting(looks_late)
    recorded = Recorded(counted, CPU)
    several = given(7)
    results = [recorded(x).clone() for x in several]
    expected = [x * 2 if k < WARM_UP or x.sum() > 0 else x * 3 for k, x in enumerate(several)]
    assert all(torch.equal(one, other) for one, other in zip(results, expected, strict=True))
    assert total == 7
    assert emulated_cuda.now is emulated_cuda.main
    assert emulated_cuda.modes == ["thread_local"]  # it is tried once
    (line,) = caplog.messages
    assert "_local_scalar_dense" in line  # the cause, not that the recording has failed


def test_no_memory_is_not_taken_for_what_cannot_be_recorded(emulated_cuda):
    def function(x: Tensor) -> Tensor:
        if emulated_cuda.modes:
            raise torch.OutOfMemoryError("no memory")
        return x

    recorded = Recorded(function, CPU)
    several = given(WARM_UP + 1)
    for x in several[:-1]:
        recorded(x)
    with pytest.raises(torch.OutOfMemoryError):
        recorded(several[-1])
    assert emulated_cuda.now is emulated_cuda.main


def test_all_is_warmed_up_and_recorded_on_one_stream(emulated_cuda):
    seen = []

    def function(x: Tensor) -> Tensor:
        seen.append(emulated_cuda.now)
        return x + 1

    for recorded in (Recorded(function, CPU), Recorded(function, CPU)):
        for x in given(WARM_UP + 2):
            assert torch.equal(recorded(x), x + 1)
    (side,) = emulated_cuda.streams
    assert seen == [side] * 2 * (WARM_UP + 1)
    # What is called aside comes after what came before it, and before what follows.
    assert side.waited_for == [emulated_cuda.main] * 2 * WARM_UP
    assert emulated_cuda.main.waited_for == [side] * 2 * WARM_UP


def test_nothing_is_compiled_within_a_recording(emulated_cuda, caplog, monkeypatch):
    # While operations are watched or listed, torch compiles nothing at all.
    monkeypatch.setattr(emulated_cuda, "graph", lambda graph, **options: nullcontext())
    monkeypatch.setattr(emulated_cuda, "set_sync_debug_mode", lambda mode: None)
    caplog.set_level("INFO", "sup")
    compiled = []

    def backend(graph, example):
        compiled.append(emulated_cuda.now)
        return graph.forward

    function = torch.compile(lambda x: x * 2 + 1, backend=backend, dynamic=False)
    recorded = Recorded(function, CPU)
    # A recording's own arguments are contiguous; these are not, nor without holes.
    for x in [one[:, :5] for one in given(WARM_UP + 2)]:
        assert torch.equal(recorded(x), x * 2 + 1)
    assert len(compiled) == 1
    assert "fail_on_recompile" in caplog.text


def test_recordings_are_gone_when_models_are_evaluated(
    emulated_cuda, make_run, train_runs, monkeypatch
):
    from sup.callbacks import results

    left = []

    def evaluated(*arguments):
        left.append(len(emulated_cuda.graphs))
        return evaluate(*arguments)

    evaluate = results.evaluate
    monkeypatch.setattr(results, "evaluate", evaluated)
    train_runs(make_run("steps=20", "engine=eager", "trainer=cpu"))
    assert emulated_cuda.recordings == 2
    assert left == [1]  # the update's own, which is small
