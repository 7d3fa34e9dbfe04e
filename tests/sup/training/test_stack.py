"""An instance never notices its neighbours."""

import pickle

import numpy as np
import pytest
import torch

from sup.analysis.theory import linear_optimum, linear_population_loss
from sup.config.identity import instance_keys
from sup.sweep.plan import grouped
from sup.training.stack import Stack

TOLERANCE = 1e-5


def largest_difference(one, other) -> float:
    return max(float(np.abs(one[name] - other[name]).max()) for name in ("W", "b"))


SWEEPS = {
    "the main job": [("relu", "gelu", "solu"), ("0", "0.5", "0.9", "0.99")],
    "the other activations": [("linear", "silu", "sigmoid", "tanh"), ("0", "0.9", "0.99")],
}


@pytest.mark.parametrize(
    "sweep", ["the main job", pytest.param("the other activations", marks=pytest.mark.slow)]
)
def test_alone_and_in_a_stack_of_twelve(sweep, make_run, train_runs):
    activations, sparsities = SWEEPS[sweep]
    runs = {
        (activation, sparsity): make_run(
            f"activation={activation}", f"sparsity={sparsity}", "steps=500"
        )
        for activation in activations
        for sparsity in sparsities
    }
    (together,) = grouped(list(runs.values()))
    assert Stack.of(together).size == 12
    stacked = dict(zip(runs, train_runs(*runs.values()), strict=True))
    for (activation, sparsity), results in stacked.items():
        if sparsity in ("0", "0.9"):
            settings = (f"activation={activation}", f"sparsity={sparsity}", "steps=500")
            (alone,) = train_runs(make_run(*settings))
            difference = largest_difference(alone, results)
            print(f"{activation:8} S={sparsity:4} alone - stacked: {difference:.1e}")
            assert difference < TOLERANCE
            assert results["loss"].item() == pytest.approx(alone["loss"].item(), rel=1e-4)


def test_another_ones_settings_change_nothing(make_run, train_runs):
    def trained(neighbour: list[str]):
        runs = [
            make_run("activation=relu", "sparsity=0.9", "steps=200"),
            make_run("steps=200", *neighbour),
            make_run("activation=solu", "sparsity=0.5", "steps=200"),
        ]
        return train_runs(*runs)

    before = trained(["activation=gelu", "sparsity=0.7"])
    after = trained(
        ["activation=tanh", "sparsity=[0,0.3]", "seed=[7,8]", "importance=uniform", "init.gain=3"]
    )
    for index in (0, 2):
        assert largest_difference(before[index], after[index]) < TOLERANCE


def test_a_grid_is_the_same_as_its_instances_alone(make_run, train_runs):
    (grid,) = train_runs(make_run("sparsity=[0.5,0.9]", "seed=[0,4]", "steps=200"))
    assert grid["W"].dims == ("sparsity", "seed", "hidden", "feature")
    for sparsity in (0.5, 0.9):
        for seed in (0, 4):
            (alone,) = train_runs(make_run(f"sparsity={sparsity}", f"seed={seed}", "steps=200"))
            assert largest_difference(alone, grid.sel(sparsity=sparsity, seed=seed)) < TOLERANCE


def test_seeds_differ(make_run, train_runs):
    (results,) = train_runs(make_run("seed=[0,1]", "steps=5"))
    assert largest_difference(results.sel(seed=0), results.sel(seed=1)) > 0.1


def test_runs_are_stacked_when_only_their_own_settings_differ(make_run):
    alike = [
        make_run("activation=relu", "sparsity=0"),
        make_run("activation=gelu", "sparsity=[0,0.5]", "seed=3", "optimizer.lr=0.1"),
        make_run("importance=uniform", "init=normal", "name=other", "tags=[a]", "activation=relu"),
    ]
    different = [make_run("n_hidden=3"), make_run("batch_size=512"), make_run("n_hidden=3")]
    groups = grouped([*alike, *different])
    assert [len(runs) for runs in groups] == [3, 2, 1]
    # Runs of one activation adjoin, so that it is applied once.
    blocks = Stack.of(groups[0]).activation(torch.device("cpu")).blocks
    assert [count for _, count in blocks] == [2, 2]


def test_places_say_where_each_run_is(make_run):
    runs = (
        make_run("seed=[0,1,2]"),
        make_run("activation=gelu", "sparsity=[0,0.1]"),
        make_run("sparsity=0.5"),
    )
    stack = Stack.of(runs)
    assert stack.size == 6
    expected = [(0, 0), (0, 0.1), (0, 0.5), (1, 0), (2, 0)]
    assert stack.inputs == [(seed, ((sparsity,) * 10, ())) for seed, sparsity in expected]
    assert [place.tolist() for _, place in stack.places] == [[0, 2, 3], [4, 5], [1]]
    assert stack.group_index.tolist() == [0, 2, 3, 4, 0, 1]
    for part, place in stack.places:
        described = [stack.keys[k] for k in place]
        assert described == instance_keys(part.run.settings)


def test_another_process_is_handed_no_tensors(make_run):
    stack = Stack.of([make_run(), make_run("sparsity=[0,0.5]")])
    assert stack.module(torch.device("cpu")).instances == list(stack.keys)
    handed = pickle.loads(pickle.dumps(stack))
    assert set(vars(handed)) == {"slices"}
    assert [set(vars(part)) for part in handed.slices] == [{"run", "places"}] * 2
    assert handed.keys == stack.keys


SPARSITIES = (0, 0.3, 0.5, 0.7, 0.8, 0.9, 0.95, 0.98, 0.99, 0.999)


def test_linear_models_reach_the_known_optimum(make_run, train_runs):
    listed = ",".join(map(str, SPARSITIES))
    small = ("n_features=5", "n_hidden=2", "importance.decay=0.7", "steps=5000", "batch_size=512")
    (results,) = train_runs(make_run("activation=linear", f"sparsity=[{listed}]", *small))
    W, b = torch.from_numpy(results["W"].values), torch.from_numpy(results["b"].values)
    density = 1 - torch.tensor(SPARSITIES, dtype=torch.float64)[:, None]
    importance = (0.7 ** torch.arange(5).double()).expand(len(SPARSITIES), -1)
    loss = linear_population_loss(W, b, density, importance)
    optimum = linear_optimum(2, density, importance)
    excess = loss / optimum - 1
    print("excess over the optimum:", [f"{one:.1e}" for one in excess.tolist()])
    assert excess.min() > -1e-9
    assert excess.max() < 1e-3
    projector = torch.diag(torch.tensor([1.0] * 2 + [0.0] * 3))
    assert (W.mT @ W - projector).abs().max() < 0.01
