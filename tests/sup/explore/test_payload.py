"""What the page holds is what the results are, packed."""

import base64
import json
import re
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

import sup
from sup.analysis.axes import axes_of
from sup.explore import packing
from sup.explore.fitting import fitted, need, text_of
from sup.explore.functions import Functions
from sup.explore.packing import shares
from sup.explore.payload import payload, reach


def unpacked(entry: dict, *shape: int) -> np.ndarray:
    kind = np.dtype(entry["kind"]).newbyteorder("<")
    return np.frombuffer(base64.b64decode(entry["data"]), kind).reshape(shape)


def whole(name: str, results: xr.Dataset, budget: float = 1e9) -> dict:
    functions = Functions()
    return fitted(results, payload(name, results, functions), budget, functions)


@pytest.fixture
def grid(results: dict[str, xr.Dataset]) -> xr.Dataset:
    return results["grid"]


def test_arrays_come_back(grid: xr.Dataset):
    held = whole("grid", grid)
    assert [axis["name"] for axis in held["axes"]] == ["activation", "sparsity", "seed"]
    assert [axis["numeric"] for axis in held["axes"]] == [False, True, True]
    assert held["axes"][1]["values"] == [0, 0.9]
    W = unpacked(held["arrays"]["W"], 2, 2, 2, 2, 5)
    assert np.array_equal(W, grid["W"].values)
    explained = unpacked(held["arrays"]["explained"], 2, 2, 2, 5)
    assert np.allclose(explained, grid["explained"].values, rtol=1e-3)
    curves = unpacked(held["arrays"]["training_loss"], 2, 2, 2, -1)
    assert np.allclose(10 ** curves.astype(float), grid["training_loss"].values, rtol=5e-3)
    snapshots = unpacked(held["arrays"]["training_W"], 2, 2, 2, -1, 2, 5)
    assert np.allclose(snapshots[..., -1, :, :], grid["W"].values, atol=1e-3)
    assert held["snapshots"] == grid["snapshot"].values.tolist()
    assert held["notes"] == []


def test_what_is_the_same_along_an_axis_is_held_once(grid: xr.Dataset):
    arrays = whole("grid", grid)["arrays"]
    assert arrays["diverged"]["axes"] == []
    assert arrays["activation"]["axes"] == [0]
    assert unpacked(arrays["activation"], 2).tolist() == [0, 1]
    assert arrays["loss"]["axes"] == [0, 1, 2]


def test_a_setting_stands_along_the_axes_on_which_it_depends(results: dict[str, xr.Dataset]):
    held = whole("lone", results["lone"])
    assert [axis["name"] for axis in held["axes"]] == ["activation", "activation_alpha"]
    assert held["axes"][1]["values"] == [None, 0.5, 1]
    steps = next(one for one in held["settings"] if one["name"] == "steps")
    assert steps == {"name": "steps", "axes": [], "values": [3]}
    assert not any(one["name"].endswith("_config") for one in held["settings"])


def test_a_page_without_room_has_fewer_points_and_says_so(grid: xr.Dataset):
    functions = Functions()
    held = payload("grid", grid, functions)
    least = text_of(held)
    some = fitted(grid, payload("grid", grid, functions), least + 1500, functions)
    assert len(some["snapshots"]) < grid.sizes["snapshot"]
    assert any("snapshots of the weights" in note for note in some["notes"])
    none = fitted(grid, payload("grid", grid, functions), least, functions)
    assert {"training_loss", "training_W"}.isdisjoint(none["arrays"])
    assert any("no room" in note for note in none["notes"])
    few = fitted(grid, payload("grid", grid, functions), 0.9 * least, functions)
    assert "This page holds 1 of 2 values of activation." in few["notes"]


def test_all_that_is_needed_is_given_where_it_fits(grid: xr.Dataset):
    functions = Functions()
    held = payload("grid", grid, functions)
    assert fitted(grid, held, need(grid, held), functions)["notes"] == []
    assert shares([1, 100, 10], 50) == [1, 39, 10]


def test_many_models_fit_into_twenty_megabytes(grid: xr.Dataset):
    # 10,000 of n = 10, m = 5: a tenth as many, in a tenth of the room.
    one = xr.Dataset(
        {
            "W": (("seed", "hidden", "feature"), np.ones((1000, 5, 10), "f4")),
            "b": (("seed", "feature"), np.ones((1000, 10), "f4")),
            "loss": ("seed", np.arange(1000.0)),
            "loss_error": ("seed", np.arange(1000.0)),
            "explained": (("seed", "feature"), np.ones((1000, 10))),
            "training_loss": (("seed", "step"), np.ones((1000, 106))),
            "training_W": (("seed", "snapshot", "hidden", "feature"), np.ones((1000, 22, 5, 10))),
        }
    )
    held = whole("many", one, packing.MOST_TEXT / 10)
    assert text_of(held) < 1.01 * packing.MOST_TEXT / 10
    assert len(held["steps"]) == 106
    assert len(held["snapshots"]) >= 3
    assert axes_of(one) == ["seed"]


def test_sliders_reach_as_far_as_features_do(results: dict[str, xr.Dataset], odd_name: str):
    assert reach(results["grid"]) == [0, 1]
    assert reach(results[odd_name]) == [-1, 1]
    normal = results["grid"].assign_coords(magnitude="normal", magnitude_scale=2.0)
    assert reach(normal) == [-6, 6]


def test_phases_of_the_optimum_have_names(results: dict[str, xr.Dataset]):
    pair = sup.train(n_features=2, n_hidden=1, importance="relative", steps=1, batch_size=8)
    assert whole("pair", pair)["phases"][1] == "in superposition with the first"
    assert whole("grid", results["grid"])["phases"] == []


def test_weights_of_others_can_be_looked_into():
    others = sup.load_weights({"W": np.ones((3, 2, 4)), "b_final": np.zeros((3, 4))}, n_hidden=2)
    functions = Functions()
    held = payload("others", others, functions)
    assert [axis["name"] for axis in held["axes"]] == ["instance"]
    assert functions.sources == [
        "elementwise((z, p) => Math.max(z, 0.0))",
        "elementwise((z, p) => z)",
    ]
    unnamed = others.drop_vars([name for name in others.coords if "activation" in str(name)])
    payload("others", unnamed, functions)
    assert functions.reasons[-1] == "the results do not say which activation"


def test_the_payload_ends_no_script(page: Path, results: dict[str, xr.Dataset]):
    html = page.read_text("utf-8")
    (text,) = re.findall(r'<script type="application/json" id="payload">(.*?)</script>', html, re.S)
    assert not re.search("[<>&\u2028]", text)
    assert [one["name"] for one in json.loads(text)["results"]] == list(results)
    assert "<title>grid, &lt;/script&gt;&lt;b&gt;&amp;" in html
    assert html.lower().count("</script") == 3
