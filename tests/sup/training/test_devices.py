"""Where a run is trained, on machines that are not this one: a Mac, one with GPUs."""

import os
import subprocess
import sys
from typing import Any

import numpy as np
import pytest
import torch
from commands import hide_gpus
from lightning.pytorch import accelerators
from torch.utils._python_dispatch import TorchDispatchMode

import sup
from sup.sweep import check
from sup.training.devices import accelerator_of, cuda_is_lost
from sup.training.stack import Stack

SMALL: dict[str, Any] = {"n_features": 5, "n_hidden": 2, "steps": 30, "batch_size": 64}


@pytest.mark.parametrize(
    ("asked", "cuda", "device"),
    [
        ("auto", True, "cuda"),
        ("auto", False, "cpu"),
        ("gpu", True, "cuda"),
        ("gpu", False, "cuda"),  # which is missed then
        ("mps", True, "mps"),
        ("cpu", True, "cpu"),
    ],
)
def test_of_itself_a_run_is_trained_by_cuda_or_the_cpu(asked, cuda, device, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: cuda)
    assert accelerator_of(sup.Settings(trainer_accelerator=asked)) == device


@pytest.mark.parametrize("kind", ["MPSAccelerator", "CUDAAccelerator"])
@pytest.mark.parametrize("asked", ["auto", "cpu"])
def test_a_gpu_that_is_not_asked_for_is_left_alone(asked, kind, monkeypatch):
    """Neither taken, as Lightning's own `auto` would, nor warned of."""
    monkeypatch.setattr(getattr(accelerators, kind), "is_available", lambda: True)
    assert sup.train(trainer_accelerator=asked, **SMALL).attrs["device"] == "cpu"


def test_a_gpu_of_this_machine_is_hidden_from_tests(monkeypatch):
    monkeypatch.setattr(torch.cuda, "init", lambda: None)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0,1")
    hide_gpus(monkeypatch)
    assert sup.train(**SMALL).attrs["device"] == "cpu"
    asked = "import os; print([os.environ['CUDA_VISIBLE_DEVICES']])"
    assert subprocess.check_output([sys.executable, "-c", asked], text=True) == "['']\n"


def test_an_apple_gpu_that_is_not_there_is_missed():
    with pytest.raises(sup.SettingError, match=r"trainer.accelerator=mps: no Apple GPU here"):
        sup.train(trainer_accelerator="mps", **SMALL)


def test_the_device_is_set_before_anything_is_made_there(monkeypatch):
    """Else rank 1 would hold some hundred megabytes on the first GPU."""
    order = []
    chosen, made = accelerators.CPUAccelerator.setup_device, Stack.module
    monkeypatch.setattr(
        accelerators.CPUAccelerator,
        "setup_device",
        lambda own, device: (order.append("set"), chosen(own, device)),
    )
    monkeypatch.setattr(
        Stack, "module", lambda own, *given: (order.append("made"), made(own, *given))[1]
    )
    sup.train(**SMALL)
    assert order[:2] == ["set", "made"]


@pytest.mark.parametrize("kind", ["cuda", "mps", "cpu"])
def test_the_activation_is_tried_on_the_device_that_trains(kind, monkeypatch):
    tried = []
    monkeypatch.setattr(check, "accelerator_of", lambda settings: kind)
    monkeypatch.setattr(check, "check_on_device", lambda settings, device: tried.append(device))
    check.check_there(sup.Settings())
    assert tried == ([] if kind == "cpu" else [torch.device(kind)])


def fail() -> None:
    raise RuntimeError("CUDA error: device-side assert triggered")


def test_an_error_that_stays_is_found(monkeypatch):
    monkeypatch.setattr(torch.cuda, "synchronize", fail)
    assert not cuda_is_lost()  # it has not started
    monkeypatch.setattr(torch.cuda, "is_initialized", lambda: True)
    assert cuda_is_lost()
    monkeypatch.setattr(torch.cuda, "synchronize", lambda: None)
    assert not cuda_is_lost()


@pytest.mark.parametrize("given", [None, "FASTEST_FIRST"])
def test_gpus_have_their_numbers_before_cuda_starts(given):
    """Lightning numbers them too, but once CUDA has started."""
    environment = {key: value for key, value in os.environ.items() if key != "CUDA_DEVICE_ORDER"}
    environment |= {"CUDA_DEVICE_ORDER": given} if given else {}
    asked = "import sup, os, sys; print(os.environ['CUDA_DEVICE_ORDER'], 'torch' in sys.modules)"
    told = subprocess.check_output([sys.executable, "-c", asked], env=environment, text=True)
    assert told.split() == [given or "PCI_BUS_ID", "False"]


class NothingRandom(TorchDispatchMode):
    """Refuses torch's own random numbers, which on a GPU depend on how many processors it has."""

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        assert torch.Tag.nondeterministic_seeded not in func.tags, func
        return func(*args, **kwargs or {})


@pytest.mark.parametrize("engine", ["eager", "autograd"])
def test_all_that_is_drawn_is_ours(engine, make_run, train_runs):
    run = make_run("seed=[0,1]", "steps=20", f"engine={engine}")
    with NothingRandom():
        with pytest.raises(AssertionError, match="rand"):
            torch.rand(1)
        (results,) = train_runs(run)
    assert np.isfinite(results["loss"]).all()
