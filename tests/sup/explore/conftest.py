"""Small results of several kinds, and the page of all of them, made once."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import xarray as xr

import sup
from sup.config.activations import ACTIVATIONS
from sup.explore.page import write_page

NAME = "</script><b>&\u2028"
"""Of results that are anybody's."""


class Cube(torch.nn.Module):
    """An activation that does not say how it is written."""

    def forward(self, z: torch.Tensor) -> torch.Tensor:
        return z**3


def wide(results: xr.Dataset) -> xr.Dataset:
    """Give models large weights, so that all of an activation's range is seen."""
    draw = np.random.default_rng(0)
    for name in ("W", "b", "decoder"):
        if name in results:
            results[name] = results[name] + draw.normal(0, 1.5, results[name].shape).astype("f4")
    return results


@pytest.fixture(scope="session")
def results() -> dict[str, xr.Dataset]:
    """Train all that is looked at, a few steps each."""
    small: Any = {"n_features": 5, "n_hidden": 2, "batch_size": 16}
    grid = sup.train(activation=["relu", "gelu"], sparsity=[0, 0.9], seed=[0, 1], steps=20, **small)
    untied = sup.train(
        model="untied",
        model_hidden_activation="solu",
        magnitude="uniform",
        activation="leaky_relu",
        activation_slope=[0, 0.5],
        steps=5,
        **small,
    )
    lone = sup.join(
        [
            sup.train(activation="relu", steps=3, **small),
            sup.train(activation="elu", activation_alpha=[0.5, 1], steps=3, **small),
        ]
    )
    every = sup.train(activation=list(ACTIVATIONS), steps=1, **small)
    own = sup.train(activation=Cube, steps=1, n_features=24, n_hidden=3)
    return {"grid": grid, NAME: wide(untied), "lone": lone, "every": wide(every), "own": own}


@pytest.fixture(scope="session")
def odd_name() -> str:
    return NAME


@pytest.fixture(scope="session")
def page(results: dict[str, xr.Dataset], tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_page(results, tmp_path_factory.mktemp("explore") / "explorer.html")
