"""Weights of others are results like ours, and ours are weights for others."""

import json

import numpy as np
import pytest
import torch
import xarray as xr
from safetensors import safe_open
from torch.nn.functional import gelu, leaky_relu, relu

import sup

SPARSITIES = [0.0, 0.9, 0.99]
SETTINGS = {"n_features": 6, "n_hidden": 2, "steps": 30, "importance_decay": 0.8}


@pytest.fixture(scope="module")
def trained() -> xr.Dataset:
    return sup.train(sparsity=SPARSITIES, seed=[0, 1], **SETTINGS)


@pytest.fixture(scope="module")
def notebook(trained: xr.Dataset) -> dict[str, torch.Tensor]:
    """Return a state dict as Elhage et al.'s notebook has it: [instance, feature, hidden]."""
    one = trained.isel(seed=0)
    W = torch.tensor(one["W"].transpose("sparsity", "feature", "hidden").values.copy())
    return {"W": W, "b_final": torch.tensor(one["b"].values)}


def test_models_of_the_notebook_are_measured_as_ours(trained, notebook):
    data = sup.load_weights(notebook, axes={"sparsity": SPARSITIES}, importance_decay=0.8)
    ours = trained.isel(seed=0)
    unknown = {"training_loss", "training_W"}
    assert set(ours.data_vars) - set(data.data_vars) == unknown
    for name in data:
        assert data[name].dims == ours[name].dims
        assert np.allclose(data[name], ours[name], rtol=1e-6, equal_nan=True), name
    for name in ("importance", "importance_decay", "activation", "activation_config", "sparsity"):
        assert data[name].values.tolist() == ours[name].values.tolist(), name
    assert "seed" not in data.coords
    assert "init" not in data.coords


def test_the_model_is_the_notebooks(notebook):
    W, b = notebook["W"], notebook["b_final"]
    x = torch.rand(7, 3, 6)
    hidden = torch.einsum("...if,ifh->...ih", x, W)
    theirs = relu(torch.einsum("...ih,ifh->...if", hidden, W) + b)
    model = sup.load_model(sup.load_weights(notebook))
    assert torch.allclose(model(x.movedim(0, 1)), theirs.movedim(0, 1), atol=1e-6)


def test_layouts_are_of_one_model(notebook):
    of_arena = {"W": notebook["W"].mT, "b_final": notebook["b_final"]}
    xr.testing.assert_identical(sup.load_weights(of_arena), sup.load_weights(notebook))
    single = {name: values[1] for name, values in of_arena.items()}  # SAELens' ReluOutputModel
    one = sup.load_weights(single)
    assert one["W"].dims == ("hidden", "feature")
    assert np.array_equal(one["W"], sup.load_weights(notebook)["W"].sel(instance=1))


def test_what_is_not_known_is_not_there(notebook):
    data = sup.load_weights(notebook)
    assert data["W"].dims == ("instance", "hidden", "feature")
    assert not {"loss", "explained"} & {*data.data_vars}
    assert not {"sparsity", "importance", "features", "steps"} & {*data.coords}
    sparse = sup.load_weights(notebook, sparsity=0.9)
    assert "explained" in sparse
    assert "loss" not in sparse
    assert "loss" in sup.load_weights(notebook, sparsity=0.9, importance="uniform")


def test_each_model_has_settings_of_its_own(notebook):
    W, b = (values[1].expand(3, *values[1].shape) for values in notebook.values())
    models = {"W": W, "b": b}
    data = sup.load_weights(models, sparsity=[0.9, 0.9, 0.5], importance_decay=[0.5, 0.7, 0.7])
    assert data["sparsity"].dims == ("instance",)
    loss = data["loss"].values
    for place, (sparsity, decay) in enumerate([(0.9, 0.5), (0.9, 0.7), (0.5, 0.7)]):
        one = {name: values[0] for name, values in models.items()}
        alone = sup.load_weights(one, sparsity=sparsity, importance_decay=decay)
        assert alone["loss"].item() == pytest.approx(loss[place], rel=1e-6)
    assert len(set(loss)) == 3


def test_lists_for_each_feature(notebook):
    given = {"importance": [1, 0.5, 0.25, 0, 0, 0], "features_sparsity": [0.9] * 6}
    data = sup.load_weights(notebook, features="explicit", **given)
    same = sup.load_weights(notebook, sparsity=0.9, importance=given["importance"])
    assert data["importance_values"].dims == ("feature",)
    assert np.allclose(data["loss"], same["loss"])


def test_activations_and_their_parameters(notebook):
    x = torch.rand(4, 6)
    z = (x @ notebook["W"] @ notebook["W"].mT) + notebook["b_final"][:, None]
    leaky = sup.Part("torch.nn.LeakyReLU", {"negative_slope": 0.3})
    for activation, expected in (("gelu", gelu(z)), (leaky, leaky_relu(z, 0.3))):
        data = sup.load_weights(notebook, activation=activation, sparsity=0.5)
        assert torch.allclose(sup.load_model(data)(x), expected, atol=1e-6)
    own = sup.load_weights(notebook, activation=torch.square, sparsity=0.5)
    assert own["explained"].notnull().all()


def test_weights_that_are_not_finite_have_diverged(notebook):
    broken = {name: values.clone() for name, values in notebook.items()}
    broken["W"][1, 0, 0] = torch.inf
    data = sup.load_weights(broken, sparsity=0.9, importance="uniform")
    sound = sup.load_weights(notebook, sparsity=0.9, importance="uniform")
    assert data["diverged"].values.tolist() == [False, True, False]
    for name in ("loss", "feature_norm", "features_explained"):
        assert data[name].isel(instance=1).isnull().all()
        assert data[name].isel(instance=[0, 2]).equals(sound[name].isel(instance=[0, 2]))
    sup.figures.gram_gallery(data)


def test_every_figure_takes_them(notebook):
    bare = sup.load_weights(notebook)
    for data in (bare, bare.isel(instance=0), bare.isel(instance=[2])):
        sup.figures.gram_gallery(data)
        sup.figures.gram_figure(data)
        sup.figures.feature_figure(data)
        sup.figures.neuron_figure(data)
    along = sup.load_weights(notebook, axes={"sparsity": SPARSITIES})
    sup.figures.along_sparsity_figure(along)
    sup.figures.dimensions_figure(along)
    sup.figures.dimensionality_figure(along)
    seeds = sup.load_weights(notebook, axes={"seed": [0, 1, 2]})
    sup.figures.gram_gallery(seeds)


def test_a_phase_diagram_of_weights():
    W = np.random.default_rng(0).normal(size=(2, 3, 1, 2))
    axes = {"sparsity": [0.5, 0.9], "importance_ratio": [0.5, 1.0, 2.0]}
    data = sup.load_weights(W, "hidden feature", axes=axes, importance="relative")
    assert data["loss"].dims == ("sparsity", "importance_ratio")
    sup.figures.phase_figure(data)


REFUSED = {
    r"axes=\[sparsity: 2\]: must name each of W's leading dimensions \[3\]": {
        "axes": {"sparsity": [0, 0.5]}
    },
    "axes=hidden: must name a setting": {"axes": {"hidden": [0, 1, 2]}},
    r"sparsity=1\.5: must be a number in": {"axes": {"sparsity": [0, 0.5, 1.5]}},
    "sparsity=0.5: stands among the axes": {
        "axes": {"sparsity": SPARSITIES},
        "sparsity": 0.5,
    },
    r"sparsity=\[0.5, 0.9\]: has 2 values for models along": {"sparsity": [0.5, 0.9]},
    "sparcity=0.5: no such setting; did you mean sparsity": {"sparcity": 0.5},
    "activation=rely: no such option": {"activation": "rely"},
    r"importance.values=\[1, 2\]: has 2 numbers, but n_features=6": {"importance": [1, 2]},
}


@pytest.mark.parametrize("reason", REFUSED)
def test_what_cannot_be_is_refused(reason: str, notebook):
    with pytest.raises(sup.SettingError, match=reason):
        sup.load_weights(notebook, **REFUSED[reason])


def test_several_leading_dimensions_need_names():
    with pytest.raises(
        sup.SettingError, match=r"must name each of W's leading dimensions \[2, 3\]"
    ):
        sup.load_weights(np.ones((2, 3, 2, 5)), "hidden feature")


def same_weights(a: xr.Dataset, b: xr.Dataset) -> None:
    xr.testing.assert_identical(a[["W", "b"]], b[["W", "b"]])


def test_what_is_saved_is_loaded(trained, notebook, tmp_path):
    several = sup.train(activation=["relu", "gelu"], sparsity=[0, 0.5], **SETTINGS)
    double = sup.load_weights(np.ones((3, 2, 5)), "hidden feature", axes={"run": ["a", "b", "c"]})
    for number, data in enumerate((trained, trained.isel(seed=1), several, double)):
        path = sup.save_weights(data, tmp_path / "made" / f"{number}.safetensors")
        back = sup.load_weights(path)
        same_weights(back, data)
        assert back["W"].dtype == data["W"].dtype
        for name in back:
            assert np.allclose(back[name], data[name], rtol=1e-6, equal_nan=True), name
        assert ("loss" in back) == ("loss" in data)


def test_others_can_read_what_is_saved(trained, tmp_path):
    path = sup.save_weights(trained, tmp_path / "a.safetensors")
    with safe_open(path, framework="np") as held:
        assert sorted(held.keys()) == ["W", "b"]
        about = {name: json.loads(told) for name, told in held.metadata().items()}
        assert held.get_tensor("W").shape == (3, 2, 2, 6)
    assert about["layout"] == ["sparsity", "seed", "hidden", "feature"]
    assert about["settings"]["sparsity"] == [["sparsity"], SPARSITIES]
    assert about["settings"]["activation"] == [[], "relu"]
    assert json.loads(about["attributes"]["config"])["batch_size"] == 1024


def test_settings_of_a_file_are_its_own(trained, tmp_path):
    path = sup.save_weights(trained, tmp_path / "a.safetensors")
    with pytest.raises(sup.SettingError, match="has settings of its own; leave out sparsity"):
        sup.load_weights(path, sparsity=0.5)
    with pytest.raises(sup.SettingError, match=r"must end in \.safetensors"):
        sup.save_weights(trained, tmp_path / "a.pt")


def test_an_activation_that_a_file_names_is_not_run(notebook, tmp_path, caplog):
    data = sup.load_weights(notebook, activation=lambda z: z.sin(), sparsity=0.5)
    back = sup.load_weights(sup.save_weights(data, tmp_path / "a.safetensors"))
    same_weights(back, data)
    assert "explained" not in back
    assert "what a file names is not run" in caplog.text


def test_a_table_has_a_row_for_each_model(trained):
    table = sup.to_dataframe(trained)
    assert table[["sparsity", "seed"]].values.tolist() == [
        [s, k] for s in SPARSITIES for k in (0, 1)
    ]
    assert np.allclose(table["loss"], trained["loss"].values.ravel())
    assert set(table["importance_decay"]) == {0.8}
    assert not {"W", "feature_norm", "training_loss", "feature"} & {*table.columns}
    one = sup.to_dataframe(trained.isel(seed=0, sparsity=1))
    assert one["sparsity"].tolist() == [0.9]
    assert one["loss"].item() == trained["loss"].values[1, 0]


def test_a_table_has_no_row_where_no_run_is(trained):
    fewer = trained.where((trained["sparsity"] < 0.95) | (trained["seed"] == 0))
    assert len(sup.to_dataframe(fewer)) == 5
    diverged = trained.assign(diverged=trained["seed"] == 0)
    assert sup.to_dataframe(diverged)["diverged"].tolist() == [True, False] * 3


def test_a_decoder_of_its_own_is_that_of_an_untied_model_alone():
    W, D = np.eye(2, 4), 2 * np.eye(2, 4)
    with pytest.raises(sup.SettingError, match="model=untied has one of its own"):
        sup.load_weights({"W": W, "D": D}, "hidden feature", sparsity=0.5)
    with pytest.raises(sup.SettingError, match="needs a decoder beside W"):
        sup.load_weights({"W": W}, "hidden feature", model="untied")
    told = {"model": "untied", "activation": "linear", "sparsity": 0.5}
    data = sup.load_weights({"W": W, "D": D}, "hidden feature", **told)
    assert data["explained"].values[:2] == pytest.approx([-0.6, -0.6], abs=0.01)  # x' = 2 x
