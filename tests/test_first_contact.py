"""The checks of a machine's GPU are made here on the CPU, and notice what they are to notice."""

import warnings
from functools import partial
from itertools import count
from typing import Any

import first_contact
import pytest
import torch
from first_contact import Place, contact

import sup
from sup.api import train

QUICK: dict[str, Any] = {"activation": ["gelu", "relu"], "sparsity": [0, 0.9], "seed": [0]}


@pytest.fixture
def place(monkeypatch, tmp_path) -> Place:
    """Stand for two GPUs: the CPU, on which CUDA's own words do nothing."""
    monkeypatch.setattr(first_contact, "ACTIVATIONS", QUICK["activation"])
    monkeypatch.setattr(first_contact, "GRID", QUICK)
    monkeypatch.setattr(first_contact, "LARGE", {"n_features": 20, "n_hidden": 3})
    monkeypatch.setattr(first_contact, "WORKLOADS", ((1.0, {"activation": "relu"}),))
    for name in ("set_sync_debug_mode", "reset_peak_memory_stats"):
        monkeypatch.setattr(torch.cuda, name, lambda *given: None)
    for name in ("memory_reserved", "max_memory_reserved", "memory_allocated"):
        monkeypatch.setattr(torch.cuda, name, lambda: 0)
    return Place("cpu", 2, tmp_path)


@pytest.mark.slow  # a minute and a half in all; what it notices is tested below
@pytest.mark.parametrize("check", first_contact.CHECKS)
def test_a_sound_device_passes(check, place, capsys):
    assert contact(place, (check,)) == 0
    line, end = capsys.readouterr().out.splitlines()
    assert line.startswith(check.__name__.replace("_", " "))
    assert end == "PASS"


def test_what_several_share_is_skipped_where_there_is_one(tmp_path, capsys):
    checks = (first_contact.devices_share_a_batch, first_contact.a_killed_rank_costs_its_stack_only)
    assert contact(Place("cpu", 1, tmp_path), checks) == 0
    assert capsys.readouterr().out.count(": skipped: one GPU\n") == 2


def test_a_device_that_is_not_there_is_said_in_one_line(capsys):
    assert first_contact.main() == 1
    assert capsys.readouterr().out == (
        "first contact: no CUDA device here; there is nothing to check\n"
    )


def waits(z: torch.Tensor) -> torch.Tensor:
    warnings.warn("called a synchronizing CUDA operation", stacklevel=1)
    return torch.relu(z)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:called a synchronizing")  # but in the steps
def test_a_step_that_waits_is_noticed(place, monkeypatch, capsys):
    monkeypatch.setitem(QUICK, "activation", waits)
    assert contact(place, (first_contact.nothing_waits_for_the_device_in_a_chunk,)) == 1
    assert "FAILED: AssertionError: " in (out := capsys.readouterr().out)
    assert "looks in a chunk, more than 4" in out


@pytest.mark.parametrize("error", [0.01, float("nan")])
def test_other_arithmetic_is_noticed(error, place, monkeypatch, capsys):
    def astray(**settings: Any) -> Any:
        found = train(**settings)
        return found if "trainer_precision" in settings else found.assign(W=found["W"] + error)

    monkeypatch.setattr(sup, "train", astray)
    assert contact(place, (first_contact.gradients_are_those_of_float64,)) == 1
    assert f"FAILED: AssertionError: {error} apart, more than 0.0001" in capsys.readouterr().out


def test_memory_that_was_not_estimated_is_noticed(place, monkeypatch, capsys):
    monkeypatch.setattr(torch.cuda, "max_memory_reserved", lambda: 2**30)
    assert contact(place, (first_contact.memory_is_within_its_estimate_and_given_back,)) == 1
    assert "FAILED: AssertionError: 1024 MiB of " in capsys.readouterr().out


@pytest.mark.slow
def test_memory_that_stays_is_noticed(place, monkeypatch, capsys):
    monkeypatch.setattr(torch.cuda, "memory_allocated", partial(next, count()))
    assert contact(place, (first_contact.memory_is_within_its_estimate_and_given_back,)) == 1
    assert "FAILED: AssertionError: [0, 1, 2] bytes held" in capsys.readouterr().out


def test_a_command_that_fails_says_why(place, capsys):
    mac = Place("mps", 2, place.folder)
    assert contact(mac, (first_contact.stacks_side_by_side_are_those_of_one_process,)) == 1
    line, end = capsys.readouterr().out.splitlines()
    assert "trainer.accelerator=mps: no Apple GPU here" in line
    assert end == "FAILED: stacks side by side are those of one process"


def test_a_device_that_is_lost_ends_it(place, monkeypatch, capsys):
    def loses(place: Place) -> str:
        monkeypatch.setattr(first_contact, "cuda_is_lost", lambda: True)
        raise RuntimeError("CUDA error: device-side assert triggered")

    assert contact(place, (loses, first_contact.times_are_told)) == 1
    *_, line, end = capsys.readouterr().out.splitlines()
    assert line.endswith("FAILED: RuntimeError: CUDA error: device-side assert triggered")
    assert end == "FAILED: loses; CUDA is lost to this process; what follows was not checked"
