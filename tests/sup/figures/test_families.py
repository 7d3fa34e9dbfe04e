"""Results along the parameters of families: joined, told apart, and drawn."""

from typing import Any

import numpy as np
import pytest
import torch
import xarray as xr
from matplotlib.text import Text

import sup
from sup.analysis.experiment import experiment_of
from sup.figures.families import families_figure, families_in, model_table
from sup.figures.sweep import sweep_figures
from sup.results.joining import join
from sup.sweep.page import instance_table

FAMILIES = {"leaky_relu": "slope", "swish": "beta", "gelu": "scale", "sigmoid": "epsilon"}


@pytest.fixture(scope="module")
def runs() -> list[xr.Dataset]:
    values = np.linspace(0.1, 1, 7)
    shared: Any = {"steps": 1, "batch_size": 4, "seed": [0, 1], "sparsity": [0.5, 0.9]}
    cases = [(name, key, 4) for name, key in FAMILIES.items()] + [("leaky_relu", "slope", 6)]
    return [
        sup.train(
            activation=name,
            n_features=n,
            n_hidden=n // 2,
            **{f"activation_{key}": values},
            **shared,
        )
        for name, key, n in cases
    ]


def test_an_empty_grid_is_a_list_of_models(runs: list[xr.Dataset]):
    together = join(runs)
    assert together["loss"].dims == ("instance",)
    assert together.sizes["instance"] == sum(run["loss"].size for run in runs) == 5 * 28
    one = together.isel(instance=28 + 5)
    there = runs[1].stack(instance=runs[1]["loss"].dims, create_index=False).isel(instance=5)
    assert one["loss"] == there["loss"]
    assert one["activation_beta"] == there["activation_beta"]
    assert np.isnan(one["activation_slope"])
    assert sup.load_model(one)(torch.ones(6)).shape == (6,)
    table = instance_table(together)
    assert len(table) == 5 * 28
    assert {"activation", "activation_slope", "sparsity", "seed", "loss"} <= {*table.columns}


def test_two_families_are_still_a_grid(runs: list[xr.Dataset]):
    together = join(runs[:2])
    assert together.sizes["activation_slope"] == together.sizes["activation_beta"] == 8
    assert [one.name for one in families_in(model_table(together))] == ["leaky_relu", "swish"]


def test_what_crosses_are_and_all_numbers_stand_in_the_figure(runs: list[xr.Dataset]):
    pairs = [
        sup.train(
            activation="leaky_relu",
            activation_slope=[0, 0.5, 1],
            n_features=2,
            n_hidden=1,
            steps=1,
            sparsity=[0.5, 0.9],
            seed=[0, 1, 2],
            batch_size=4,
        )
    ]
    figure = families_figure(join([*runs[:1], *pairs]))
    figure.draw_without_rendering()
    words = {text.get_text() for text in figure.findobj(Text)}
    assert {"optimum holds both", "S = 0.5"} <= words
    drawn = figure.get_tightbbox()
    assert min(drawn.x0, drawn.y0) >= 0
    assert drawn.x1 <= figure.get_figwidth()


def test_each_family_is_a_column(runs: list[xr.Dataset]):
    together = join(runs)
    assert experiment_of(together) == experiment_of(runs[0]) == "families"
    figure = sweep_figures(together)["families"]
    panels = figure.axes
    assert [axis.get_title() for axis in panels[:4]] == ["leaky ReLU", "swish", "GELU", "sigmoid"]
    assert [axis.get_xlabel() for axis in panels[-4:]] == list(FAMILIES.values())
    line = panels[0].get_lines()[0]
    largest = runs[4].sel(sparsity=0.5)["dimensions_per_feature"].mean("seed")
    assert line.get_ydata() == pytest.approx(largest.values)


def test_an_ordinary_sweep_is_none(runs: list[xr.Dataset]):
    data = sup.train(activation=["relu", "sigmoid"], sparsity=[0, 0.9], steps=1, n_features=4)
    assert experiment_of(data) == "bottleneck"
