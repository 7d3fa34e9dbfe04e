"""On a CUDA device: everything stays there, and what is drawn is what a CPU draws."""

import numpy as np
import pytest
import torch
from first_contact import CHECKS, Place, contact

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device"),
]


def test_draws_and_models_are_on_the_device(make_run):
    from sup.model.inputs import Draws, Purpose
    from sup.training.stack import Stack

    device = torch.device("cuda")
    module = Stack.of([make_run("seed=[0,1]")]).module(device)
    assert all(tensor.device.type == "cuda" for tensor in module.state_dict().values())
    words = Draws((0, 1), (10, 8), device).words(Purpose.TRAINING, 2**40)
    assert words.device.type == "cuda"
    on_cpu = Draws((0, 1), (10, 8), torch.device("cpu")).words(Purpose.TRAINING, 2**40)
    assert torch.equal(words.cpu(), on_cpu)


def test_a_linear_model_reaches_the_optimum_there_too(make_run, train_runs):
    settings = ("activation=linear", "sparsity=0.5", "steps=3000", "trainer=gpu")
    (results,) = train_runs(make_run(*settings))
    W = results["W"].values
    assert np.abs(W.T @ W - np.diag([1.0] * 5 + [0.0] * 5)).max() < 0.02


def test_alone_and_stacked_agree_there_too(make_run, train_runs):
    settings = ("sparsity=0.9", "steps=300", "trainer=gpu")
    (alone,) = train_runs(make_run(*settings))
    stacked, _ = train_runs(make_run(*settings), make_run("activation=solu", *settings))
    assert np.abs(alone["W"] - stacked["W"]).max() < 1e-5


@pytest.mark.parametrize("check", CHECKS)
@pytest.mark.filterwarnings("ignore:Synchronization debug mode is a prototype")
def test_first_contact(check, tmp_path):
    assert contact(Place("cuda", torch.cuda.device_count(), tmp_path), (check,)) == 0
