"""Lightning's settings and callbacks: they act as they do there, or are refused in one line."""

import inspect
from typing import Any

import lightning.pytorch as pl
import numpy as np
import pytest
import torch
from lightning.pytorch import callbacks

import sup
from sup.config.callbacks import NEUTRAL
from sup.config.rules import SettingError
from sup.config.trainer import OTHERS, lightnings
from sup.model.building import check_lightnings

SMALL: dict[str, Any] = {"n_features": 5, "n_hidden": 2, "steps": 30, "batch_size": 64}

OWN = sup.Settings().trainer.parameters


@pytest.mark.parametrize("name", inspect.signature(pl.Trainer).parameters)
def test_a_setting_of_the_trainer_has_an_effect_or_is_refused(name):
    if name in (*OWN, *OTHERS):
        return
    with pytest.raises(SettingError, match=rf"trainer\.{name}=1: has no effect on a stack"):
        sup.Settings(**{f"trainer_{name}": 1})


def test_the_line_names_what_to_use():
    with pytest.raises(SettingError, match=r"trainer.max_steps=10: .*; use steps"):
        sup.Settings(trainer_max_steps=10)


def test_what_is_ours_is_not_handed_on():
    given = sup.Settings(trainer_precision="64-true", trainer_gradient_clip_val=1).trainer
    assert set(lightnings(given.parameters)) == {"accelerator", "devices"}


@pytest.mark.parametrize("precision", ["bf16-mixed", "16-true", 16, "transformer-engine", True])
def test_a_precision_that_there_is_not(precision):
    with pytest.raises(SettingError, match=r"trainer.precision=.*: must be one of .*64-true"):
        sup.Settings(trainer_precision=precision)


def test_an_apple_gpu_has_no_float64():
    with pytest.raises(SettingError, match=r"trainer.precision=64-true: .*mps"):
        sup.Settings(trainer_precision="64-true", trainer_accelerator="mps")


@pytest.mark.parametrize("accelerator", ["mps", "tpu"])
def test_a_batch_is_shared_by_cuda_devices_or_on_the_cpu(accelerator):
    shared = {"trainer_devices": 2, "trainer_strategy": "ddp"}
    message = rf"trainer.accelerator={accelerator}: cannot share a batch; trainer.devices=2 needs"
    with pytest.raises(SettingError, match=message):
        sup.Settings(**shared, trainer_accelerator=accelerator)


def test_float64_on_a_cpu():
    double = sup.train(trainer_precision="64-true", sparsity=[0, 0.9], **SMALL)
    single = sup.train(sparsity=[0, 0.9], **SMALL)
    plain = sup.train(trainer_precision=64, sparsity=[0, 0.9], engine="autograd", **SMALL)
    assert double["W"].dtype == double["b"].dtype == np.float64
    assert 0 < abs(double["W"] - single["W"]).max() < 1e-5
    model = sup.load_model(double)
    assert model(torch.rand(3, 5, dtype=torch.float64)).dtype == torch.float64
    assert np.array_equal(model.W.detach().numpy(), double["W"].values)
    assert abs(double["W"] - plain["W"]).max() < 1e-12


KINDS = [name for name in callbacks.__all__ if name not in NEUTRAL]


@pytest.mark.parametrize("name", KINDS)
def test_a_callback_of_lightnings_is_refused(name):
    with pytest.raises(SettingError, match=rf"callbacks.mine=.*{name}: not for stacks: "):
        sup.Settings(callbacks={"mine": sup.Part(f"lightning.pytorch.callbacks.{name}")})


class Patient(callbacks.EarlyStopping):
    """A user's own, made from one of Lightning's."""


def test_one_made_from_it_too():
    given = sup.Settings(callbacks={"mine": sup.Part(Patient, {"monitor": "loss"})})
    with pytest.raises(SettingError, match=r"callbacks.mine=.*EarlyStopping: not for stacks"):
        check_lightnings(given)


def test_within_a_slurm_allocation(monkeypatch):
    allocation = {"NTASKS": "4", "JOB_ID": "7", "JOB_NAME": "x", "PROCID": "0", "LOCALID": "0"}
    allocation |= {"NODELIST": "here", "NTASKS_PER_NODE": "4", "NODEID": "0", "STEP_ID": "0"}
    for name, value in allocation.items():
        monkeypatch.setenv(f"SLURM_{name}", value)
    assert sup.train(**SMALL)["loss"].ndim == 0


def test_a_variable_of_lightnings_is_refused(monkeypatch):
    monkeypatch.setenv("PL_TRAINER_MAX_STEPS", "3")
    with pytest.raises(SettingError, match=r"PL_TRAINER_MAX_STEPS=3: .*trainer.max_steps"):
        sup.train(**SMALL)
