"""On a CUDA device: everything stays there, and what is drawn is what a CPU draws."""

import numpy as np
import pytest
import torch

import sup

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


def test_recorded_steps_are_the_steps_themselves(make_run, train_runs, monkeypatch):
    settings = ("sparsity=[0,0.9]", "steps=300", "trainer=gpu")
    (recorded,) = train_runs(make_run(*settings))
    monkeypatch.setattr("sup.training.cuda_graph.WARM_UP", 10**9)
    (plain,) = train_runs(make_run(*settings))
    assert np.abs(recorded["W"] - plain["W"]).max() < 1e-5


def test_nothing_waits_for_the_device_within_a_chunk(make_run, train_runs, monkeypatch):
    from sup.training.module import SuperpositionModule

    step = SuperpositionModule.training_step

    def strict(module, chunk, index):
        recorded = chunk.steps.start >= 10  # warm-up and recording are over
        torch.cuda.set_sync_debug_mode("error" if recorded else "default")
        try:
            step(module, chunk, index)
        finally:
            torch.cuda.set_sync_debug_mode("default")

    monkeypatch.setattr(SuperpositionModule, "training_step", strict)
    (results,) = train_runs(make_run("sparsity=[0,0.9]", "steps=300", "trainer=gpu"))
    assert np.isfinite(results["W"]).all()


several = pytest.mark.skipif(torch.cuda.device_count() < 2, reason="needs two CUDA devices")


@several
@pytest.mark.usefixtures("no_figures")
def test_two_devices_share_a_batch_to_the_same_result(command, tmp_path):
    settings = ("sparsity=[0,0.9]", "steps=300", "logger=none")
    assert command(*settings, "trainer=gpu", "hydra.run.dir=one").status == 0
    assert command(*settings, "trainer=ddp", "hydra.run.dir=two").status == 0
    one, two = (sup.load_run(tmp_path / name) for name in ("one", "two"))
    assert np.abs(one["W"].values - two["W"].values).max() < 1e-5


@several
@pytest.mark.usefixtures("no_figures")
def test_stacks_side_by_side_are_those_of_one_device(command, tmp_path):
    swept = ("-m", "n_hidden=2,5", "steps=300", "logger=none", "trainer=gpu")
    for devices in (1, 2):
        place = f"hydra.sweep.dir={devices}"
        assert command(*swept, f"stack.devices={devices}", place).status == 0
    for job in "01":
        one, two = (sup.load_run(tmp_path / devices / job) for devices in "12")
        assert np.abs(one["W"].values - two["W"].values).max() < 1e-5
