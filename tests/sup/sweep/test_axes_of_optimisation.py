"""Initialisation and optimisation as axes of a sweep, within a stack or as stacks of their own."""

import pytest

import sup

pytestmark = pytest.mark.usefixtures("no_figures")
TINY = ("n_features=4", "steps=2", "logger=none")
SMALL = ("n_hidden=2", "batch_size=16")


@pytest.fixture
def swept(command, tmp_path):
    """Run a sweep and return its results and what it said."""

    def ran(*overrides: str):
        outcome = command(*overrides, *TINY)
        assert outcome.status == 0, outcome.error
        (directory,) = tmp_path.glob("outputs/*/*")
        return sup.load_sweep(directory), outcome.out

    return ran


def test_batch_sizes_are_stacks_of_their_own_and_join_along_batch_size(swept):
    results, said = swept(
        "-m", "n_hidden=2", "batch_size=16,64", "activation=relu,tanh", "seed=[0,1]"
    )
    assert "2 stacks" in said
    assert dict(results["loss"].sizes) == {"activation": 2, "batch_size": 2, "seed": 2}
    assert results["batch_size"].values.tolist() == [16, 64]
    one = sup.train(
        activation="relu", batch_size=64, seed=1, n_features=4, n_hidden=2, steps=2, engine="eager"
    )
    same = results.sel(batch_size=64, activation="relu", seed=1)
    assert abs(same["W"] - one["W"]).max() < 1e-6


def test_optimizers_and_schedules_join_along_theirs(swept):
    results, _ = swept("-m", "optimizer=adam,sgd", "scheduler=cosine,warmup", *SMALL)
    assert results["optimizer"].values.tolist() == ["adam", "sgd"]
    assert results["scheduler"].values.tolist() == ["cosine", "warmup"]
    assert results["loss"].notnull().all()
    momentum = results["optimizer_momentum"].transpose("optimizer", ...).values
    assert momentum[1] == pytest.approx(0.9)


def test_momentum_is_an_axis_of_one_stack(swept):
    rates = ("optimizer.momentum=0,0.5", "optimizer.lr=0.1,0.01")
    results, said = swept("-m", "optimizer=sgd", *rates, *SMALL)
    assert "4 runs" in said
    assert "stacks" not in said
    assert dict(results["loss"].sizes) == {"optimizer_momentum": 2, "optimizer_lr": 2}


def test_the_experiment_is_a_stack_for_each_size_along_the_initial_scale(swept):
    few = ("activation=relu,gelu", "n_hidden=1,4", "seed=[0,1]", "sparsity=0.9", "batch_size=16")
    results, said = swept("experiment=initialisation", *few)
    assert "2 stacks" in said
    sizes = {"n_hidden": 2, "activation": 2, "init_gain": 9, "seed": 2}
    assert dict(results["loss"].sizes) == sizes
    initial = results["feature_norm"].mean(("feature", "seed")).sel(n_hidden=4, activation="relu")
    assert (initial.diff("init_gain") > 0).all()
