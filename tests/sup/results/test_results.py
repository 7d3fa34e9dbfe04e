"""What a run leaves behind, and how the results of a sweep are joined."""

import json

import numpy as np
import pandas as pd
import pytest
import torch
import xarray as xr

import sup
from sup.model.autoencoder import reconstruction_loss
from sup.model.inputs import Draws, Purpose
from sup.results.joining import join
from sup.results.storage import save
from sup.sweep.draw import draw
from sup.training.stack import Stack

CPU = torch.device("cpu")


@pytest.fixture
def grid_results(make_run, train_runs) -> xr.Dataset:
    shape = ("n_features=4", "n_hidden=2")
    return train_runs(make_run("sparsity=[0,0.5,0.9]", "seed=[3,1]", "steps=20", *shape))[0]


def test_variables_and_dimensions(grid_results: xr.Dataset):
    axes = ("sparsity", "seed")
    expected = {
        "W": (*axes, "hidden", "feature"),
        "b": (*axes, "feature"),
        "loss": axes,
        "loss_error": axes,
        "explained": (*axes, "feature"),
        "features_explained": axes,
        "training_loss": (*axes, "step"),
        "training_W": (*axes, "snapshot", "hidden", "feature"),
        "dimensions_per_feature": axes,
        "total_dimensionality": axes,
        "features_represented": axes,
        "features_strong": axes,
        "effective_features": axes,
        "mean_interference": axes,
        "mean_signed_interference": axes,
        "feature_dimensionality": (*axes, "feature"),
        "feature_norm": (*axes, "feature"),
        "diverged": axes,
        "first_bad_step": axes,
        "polysemanticity": (*axes, "feature"),
    }
    assert {name: variable.dims for name, variable in grid_results.items()} == expected
    assert grid_results["sparsity"].values.tolist() == [0, 0.5, 0.9]
    assert grid_results["seed"].values.tolist() == [3, 1]
    assert grid_results["step"].values[-1] == 20
    blank = {name for name, variable in grid_results.items() if variable.isnull().any()}
    assert blank == {"first_bad_step"}
    assert grid_results["first_bad_step"].isnull().all()


def test_a_file_holds_what_xarray_reads_of_it(make_run, train_runs):
    shape = ("n_features=4", "n_hidden=2", "features.sparsity=[0,0.5,0.9,0.99]")
    run = make_run("seed=[3,1]", "steps=20", "features=explicit", *shape)
    (results,) = train_runs(run)
    whole = xr.load_dataset(run.directory / "results.nc", engine="h5netcdf")
    for held in (whole, sup.load_run(run.directory)):
        xr.testing.assert_identical(held, results)
        assert {name: one.dtype for name, one in held.variables.items()} == {
            name: one.dtype for name, one in results.variables.items()
        }
    assert whole["features_sparsity"].dims == ("feature",)
    assert whole["diverged"].dtype == bool


SETTINGS: dict[str, object] = {
    "activation": "relu",
    "importance": "geometric",
    "importance_decay": 0.9,
    "init_gain": 1,
    "n_features": 4,
    "n_hidden": 2,
    "steps": 20,
    "batch_size": 1024,
    "optimizer_lr": 0.01,
    "scheduler": "cosine",
    "scheduler_T_max": 20,
}


def test_settings_are_scalar_coordinates(grid_results: xr.Dataset):
    scalars = {name: grid_results[name].item() for name in SETTINGS}
    assert scalars == SETTINGS


def test_what_is_null_or_does_not_apply_has_no_coordinate(grid_results: xr.Dataset):
    absent = {"dataset_size", "features_active", "model_exponent", "init_layout", "model_config"}
    assert not absent & {*grid_results.coords}


def test_numbers_and_words_of_all_parts_are_scalar_coordinates(make_run, train_runs):
    given = ("features=exactly", "features.active=2", "model=untied", "model.exponent=4")
    others = ("model.bias=false", "model.hidden_activation=relu", "dataset_size=8", "batch_size=8")
    results = train_runs(make_run("steps=3", "scheduler=warmup", *given, *others))[0]
    wanted = {
        "features_active": 2,
        "model_exponent": 4,
        "model_bias": False,
        "model_unit_norm": False,
        "model_hidden_activation": "relu",
        "model_task": "identity",
        "dataset_size": 8,
        "scheduler_warmup": 0.05,
        "scheduler_T_max": 3,
    }
    assert {name: results[name].item() for name in wanted} == wanted
    assert {name: results[name].dims for name in wanted} == dict.fromkeys(wanted, ())
    assert {*wanted} <= {*sup.to_dataframe(results).columns}


SWEPT = {
    "features.active": [1, 2],
    "dataset_size": [8, 16, None],
    "model.hidden_activation": ["relu", "linear"],
    "model.exponent": [2.0, 4.0],
    "model.bias": [True, False],
}


@pytest.mark.parametrize("key", SWEPT)
def test_runs_that_differ_in_one_setting_stand_along_it(key, make_run, train_runs):
    chosen = ["features=exactly"] * key.startswith("features") + ["model=tied"]
    small = ("n_features=4", "n_hidden=2", "batch_size=8", "steps=2", "data=sampled")
    values = ["null" if value is None else value for value in SWEPT[key]]
    runs = [make_run(*chosen, *small, f"{key}={value}") for value in values]
    joined = join([results for run in runs for results in train_runs(run)])
    name = key.replace(".", "_")
    assert dict(joined["loss"].sizes) == {name: len(values)}
    held = [None if pd.isna(value) else value for value in joined[name].values.tolist()]
    assert held == SWEPT[key]


def test_a_word_that_a_run_does_not_have_is_empty(make_run, train_runs):
    runs = [make_run("steps=1", "model=plain"), make_run("steps=1", "model=tied")]
    joined = join([results for run in runs for results in train_runs(run)])
    assert joined["model_hidden_activation"].values.tolist() == ["", "linear"]
    assert joined["model_exponent"].sel(model="plain").isnull()
    assert sup.load_model(joined)(torch.rand(3, 10)).shape == (2, 3, 10)


def test_results_of_an_earlier_release_have_all_coordinates(make_run, train_runs):
    runs = [make_run("steps=1", "model=tied", f"model.exponent={q}") for q in (2, 3)]
    new, other = (results for run in runs for results in train_runs(run))
    late = [name for name in new.coords if str(name).startswith(("model_", "scheduler_"))]
    node = json.dumps(json.loads(new.attrs["config"])["model"])
    old = new.drop_vars([name for name in late if name not in ("model_noise", "model_l1")])
    save(old.assign_coords(model_config=node), runs[0].directory)
    loaded = sup.load_run(runs[0].directory)
    xr.testing.assert_identical(loaded, new)
    assert join([loaded, other])["loss"].dims == ("model_exponent",)


def test_attributes(grid_results: xr.Dataset):
    config = json.loads(grid_results.attrs["config"])
    assert config["sparsity"] == [0, 0.5, 0.9]
    assert config["scheduler"]["T_max"] == 20
    assert set(json.loads(grid_results.attrs["versions"])) >= {"torch", "lightning", "python"}
    assert grid_results.attrs["device"] == "cpu"
    assert grid_results.attrs["wall_time"] > 0


def test_loss_is_the_mean_importance_weighted_error_on_held_out_samples(make_run, train_runs):
    run = make_run("activation=linear", "sparsity=0.5", "steps=50")
    (results,) = train_runs(run)
    rng = np.random.default_rng(0)
    x = rng.random((10, 500_000)) * (rng.random((10, 500_000)) < 0.5)
    W, b = results["W"].values, results["b"].values
    error = ((W.T @ (W @ x) + b[:, None] - x) ** 2).mean(1)
    assert results["loss"].item() == pytest.approx((error * 0.9 ** np.arange(10)).sum(), rel=0.01)


def test_training_loss_is_the_mean_since_the_measurement_before(make_run, train_runs):
    run = make_run("steps=20", "optimizer.lr=1e-12")  # so that the model stays as it was
    (results,) = train_runs(run)
    module = Stack.of([run]).module(CPU)
    draws = Draws((0,), (10, 1024), CPU)
    inputs = [module.inputs(draws.words(Purpose.TRAINING, step)) for step in range(20)]
    cost = module.inputs.cost(module.importance, 1024)
    losses = [reconstruction_loss(x, module.autoencoder(x), cost).item() for x in inputs]
    starts = [0, *results["step"].values[:-1]]
    for start, stop, mean in zip(
        starts, results["step"].values, results["training_loss"].values, strict=True
    ):
        assert mean == pytest.approx(np.mean(losses[start:stop]), rel=1e-4)


def test_nothing_half_written(make_run, train_runs):
    run = make_run("steps=1", "figures=end")
    draw([run], train_runs(run))
    assert {path.name for path in run.directory.iterdir()} == {
        "results.nc",
        "figures",
        "checkpoints",
    }
    assert len(list((run.directory / "figures").glob("*.png"))) == 3


def test_missing_results(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"no results\.nc here"):
        sup.load_run(tmp_path)
    with pytest.raises(FileNotFoundError, match=r"no results\.nc in any directory below"):
        sup.load_sweep(tmp_path)
    (tmp_path / "0").mkdir()
    (tmp_path / "0" / "results.nc").touch()
    with pytest.raises(FileNotFoundError, match=r"it is a sweep: sup\.load_sweep"):
        sup.load_run(tmp_path)


class TestJoin:
    """Sweeps of several shapes."""

    @staticmethod
    def run(**settings) -> xr.Dataset:
        coordinates = {"activation": "relu", "sparsity": 0.0, **settings}
        axes = [name for name, value in coordinates.items() if isinstance(value, list)]
        shape = [len(coordinates[name]) for name in axes]
        return xr.Dataset({"loss": (axes, np.ones(shape))}, coordinates)

    def test_settings_become_dimensions_in_order_of_appearance(self):
        runs = [
            self.run(activation=a, sparsity=s) for a in ("relu", "gelu") for s in (0.9, 0.0, 0.5)
        ]
        joined = join(runs)
        assert joined["loss"].dims == ("activation", "sparsity")
        assert joined["activation"].values.tolist() == ["relu", "gelu"]
        assert joined["sparsity"].values.tolist() == [0.9, 0.0, 0.5]

    def test_a_missing_combination_is_nan(self):
        runs = [
            self.run(activation="relu", sparsity=0.0),
            self.run(activation="gelu", sparsity=0.0),
            self.run(activation="gelu", sparsity=0.5),
        ]
        joined = join(runs)
        assert np.isnan(joined["loss"].sel(activation="relu", sparsity=0.5).item())
        assert joined["loss"].sel(activation="gelu", sparsity=0.5).item() == 1

    def test_a_setting_that_follows_from_others_is_no_dimension(self):
        runs = [
            self.run(importance="geometric", importance_decay=0.9),
            self.run(importance="uniform"),
        ]
        joined = join(runs)
        assert joined["loss"].dims == ("importance",)
        decay = joined["importance_decay"]
        assert decay.sel(importance="geometric").item() == 0.9
        assert np.isnan(decay.sel(importance="uniform").item())
        optimizers = [self.run(optimizer=o, optimizer_lr=r) for o, r in (("a", 0.1), ("b", 1.0))]
        assert join(optimizers)["loss"].dims == ("optimizer",)

    def test_lists_in_a_sweep(self):
        single = [self.run(sparsity=0.5), self.run(sparsity=[0.9, 0.99])]
        joined = join(single)
        assert joined["sparsity"].values.tolist() == [0.5, 0.9, 0.99]
        assert not joined["loss"].isnull().any()
        crossed = [
            self.run(activation=a, sparsity=s) for a in ("relu", "gelu") for s in ([0, 0.5], [0.9])
        ]
        joined = join(crossed)
        assert dict(joined["loss"].sizes) == {"activation": 2, "sparsity": 3}
        assert not joined["loss"].isnull().any()

    def test_runs_alike_are_told_apart(self):
        joined = join([self.run(), self.run()])
        assert joined["loss"].dims == ("run",)
        assert joined.sizes["run"] == 2

    def test_one_setting(self):
        joined = join([self.run(sparsity=s) for s in (0.9, 0.0)])
        assert joined["loss"].dims == ("sparsity",)
        assert joined["sparsity"].values.tolist() == [0.9, 0.0]

    def test_one_run(self):
        assert join([self.run()])["loss"].dims == ()

    def test_runs_with_different_numbers_of_hidden_dimensions(self, make_run, train_runs):
        joined = join(
            train_runs(make_run("n_hidden=2", "steps=1"), make_run("n_hidden=3", "steps=1"))
        )
        assert joined["W"].dims == ("n_hidden", "hidden", "feature")
        assert joined["W"].sel(n_hidden=2).isnull().sum() == 10
        assert joined["activation"].item() == "relu"


def test_an_instance_that_diverges_leaves_its_neighbours_their_results(make_run, train_runs):
    healthy = make_run("steps=30", "figures=end")
    sick = make_run("steps=30", "optimizer.lr=1e30", "figures=end")
    (alone,) = train_runs(make_run("steps=30"))
    beside, diverged = train_runs(healthy, sick)
    draw([healthy, sick], [beside, diverged])
    assert np.abs(beside["W"] - alone["W"]).max() < 1e-5
    assert not np.isfinite(diverged["loss"].item())
    assert len(list((sick.directory / "figures").glob("*.png"))) == 3
