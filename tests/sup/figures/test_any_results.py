"""Every figure can be drawn of any results, and without matplotlib's global state."""

import sys
import tracemalloc

import matplotlib as mpl
import numpy as np
import pytest
import torch
import xarray as xr
from matplotlib.figure import Figure
from matplotlib.text import Text

from sup.analysis.metrics import PER_FEATURE, PER_INSTANCE
from sup.figures import basics
from sup.figures.animation import gram_animation, write_gif
from sup.figures.dimensionality import dimensionality_figure
from sup.figures.dimensions import dimensions_figure
from sup.figures.features import feature_figure, neuron_figure
from sup.figures.gaps import loss_gap_figure
from sup.figures.gram import (
    along_sparsity_figure,
    gram_figure,
)
from sup.figures.phase import (
    optimum_phase_figure,
    phase_figure,
    phase_share_figure,
)
from sup.figures.style import LONGEST_NAME, literal
from sup.figures.tiles import gram_picture
from sup.figures.training import training_figure
from sup.results.storage import finite


def results_of(n=4, m=2, sparsity=(0.0, 0.9), names=("relu",), scale=1.0, **axes) -> xr.Dataset:
    """Make results of random weights with all that figures look at."""
    axes = {"activation": list(names), **axes, "sparsity": list(sparsity)}
    shape = tuple(map(len, axes.values()))
    W = scale * torch.randn(*shape, m, n, generator=torch.Generator().manual_seed(0))
    dims = list(axes)
    variables = {key: (dims, metric(W).numpy()) for key, metric in PER_INSTANCE.items()}
    variables |= {
        key: ([*dims, "feature"], metric(W).numpy()) for key, metric in PER_FEATURE.items()
    }
    loss = W.square().sum((-1, -2)).numpy()
    variables |= {
        "W": ([*dims, "hidden", "feature"], W.numpy()),
        "loss": (dims, loss),
        "training_loss": ([*dims, "step"], np.stack([loss, loss / 2], -1)),
        "training_W": ([*dims, "snapshot", "hidden", "feature"], W.numpy()[..., None, :, :]),
        "diverged": (dims, np.zeros(shape)),
        "first_bad_step": (dims, np.full(shape, np.nan)),
    }
    inner = {"hidden": range(m), "feature": range(n), "step": [1, 2], "snapshot": [2]}
    return xr.Dataset(variables, {**axes, **inner, "importance": "uniform"})


def diverged(results: xr.Dataset) -> xr.Dataset:
    """Return results of which nothing is finite."""
    sound = [name for name in results.data_vars if name not in ("diverged", "W", "training_W")]
    lost = results.assign({name: results[name] * np.nan for name in sound})
    return finite(lost.assign(diverged=results["diverged"] + 1, first_bad_step=results["loss"] * 0))


def one(results: xr.Dataset) -> xr.Dataset:
    return results.isel({str(name): 0 for name in results["loss"].dims})


def draw(figure: Figure) -> None:
    """Draw a figure, all but its pixels."""
    figure.draw_without_rendering()


FIGURES = {
    "run": gram_figure,
    "features": feature_figure,
    "training": training_figure,
    "neurons": lambda results: neuron_figure(results.isel(activation=0)),
    "along": lambda results: along_sparsity_figure(results.isel(activation=0)),
    "dimensions": dimensions_figure,
    "dimensions of two recipes": lambda results: dimensions_figure(results, results),
    "dimensionality": dimensionality_figure,
}
PHASES = {
    "phases": phase_figure,
    "shares": phase_share_figure,
    "optimum": optimum_phase_figure,
    "gaps": loss_gap_figure,
}

HOSTILE = "$x_{\\frac$ _\\alpha^{ \n\t% & # ~ äß∂ " + 300 * "long"

RESULTS = {
    "one instance": {"sparsity": [0.9]},
    "a feature, a dimension": {"n": 1, "m": 1},
    "more dimensions than features": {"n": 2, "m": 3},
    "hostile names": {"names": [HOSTILE, "$\\frac$", "_mine"]},
    "zero": {"scale": 0.0},
    "huge": {"scale": 1e30},
    "tiny": {"scale": 1e-30},
}
RATIOS = {"n": 2, "m": 1, "importance_ratio": [0.1, 1.0, 10.0], "sparsity": [0.1, 0.5, 0.9]}


@pytest.fixture(autouse=True)
def without_global_state(monkeypatch):
    """Forbid pyplot, and see that no setting of matplotlib's is changed."""
    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)
    before = dict(dict.items(mpl.rcParams))  # as they are: to look one up can import pyplot
    yield
    assert dict(dict.items(mpl.rcParams)) == before


@pytest.mark.parametrize("figure", FIGURES)
@pytest.mark.parametrize("results", RESULTS)
def test_any_results_can_be_drawn(figure, results):
    draw(FIGURES[figure](results_of(**RESULTS[results])))


@pytest.mark.parametrize("figure", FIGURES)
def test_where_nothing_is_finite_there_is_a_figure_too(figure):
    draw(FIGURES[figure](diverged(results_of())))


@pytest.mark.parametrize("figure", ["run", "training", "dimensions"])
def test_a_hundred_values_can_be_drawn(figure):
    draw(FIGURES[figure](results_of(sparsity=list(np.linspace(0, 0.99, 100)))))


@pytest.mark.parametrize("scale", [0, 1, 1e30, np.nan])
def test_any_training_can_be_animated(scale, tmp_path):
    write_gif(gram_animation(one(results_of(scale=scale))), tmp_path / "training.gif")


def with_optimum(results: xr.Dataset, gap: float) -> xr.Dataset:
    phases = xr.full_like(results["loss"], np.nan if np.isnan(gap) else 0)
    phases.loc[{"importance_ratio": results["importance_ratio"] >= 1}] = 2
    optimum = {"optimum_phase": phases, "loss_gap": xr.full_like(results["loss"], gap)}
    return results.assign(optimum)


DIAGRAMS = [
    {"names": [HOSTILE], "scale": 1e30},
    {"sparsity": [0.5], "importance_ratio": [1.0]},
    {"seed": [0, 1]},
    {"seed": [0, 1], "n": 3, "m": 2},
]
GAPS = {"gaps": [-1e-15, 1e-30, 0.3, 1e30, np.nan, np.inf], "optimum": [0.3, np.nan]}
"""By figure, for those that look at them; of the optimum's phases, whether there are any."""


@pytest.mark.parametrize("changes", DIAGRAMS)
@pytest.mark.parametrize(
    ("figure", "gap"), [(figure, gap) for figure in PHASES for gap in GAPS.get(figure, [0.3])]
)
def test_any_phase_diagram_can_be_drawn(figure, changes, gap):
    draw(PHASES[figure](with_optimum(results_of(**RATIOS | changes), gap)))


@pytest.mark.parametrize("figure", PHASES)
@pytest.mark.parametrize("changes", DIAGRAMS)
def test_a_phase_diagram_without_anything_finite_can_be_drawn(figure, changes):
    draw(PHASES[figure](diverged(with_optimum(results_of(**RATIOS | changes), 0.3))))


@pytest.mark.parametrize("figure", ["phases", "shares"])
def test_phase_diagrams_of_an_earlier_version_can_be_drawn(figure):
    draw(PHASES[figure](results_of(**RATIOS)))


def test_what_goes_in_and_is_applied_can_be_drawn():
    draw(basics.inputs_figure())
    draw(basics.activations_figure({HOSTILE: torch.relu, "_mine": torch.relu}))


def test_a_name_is_written_letter_by_letter():
    assert literal("a_b") == "a_b"
    assert literal("$x$") == "\\$x\\$"
    assert literal("_mine") == " _mine"  # or legends leave it out
    assert len(literal(HOSTILE)) < LONGEST_NAME + 10


@pytest.mark.parametrize(
    ("figure", "told"),
    [
        ("run", "feature (the 64 longest of 5,000)"),
        ("features", "feature, longest first (200 of 5,000, evenly spaced)"),
        ("neurons", "of 200 of 5,000 features"),
    ],
)
def test_a_figure_of_a_large_model_takes_little_memory(figure, told):
    results = results_of(n=5000, m=1, sparsity=[0.9])
    tracemalloc.start()
    try:
        drawn = FIGURES[figure](results)
        assert tracemalloc.get_traced_memory()[1] < 40 * 2**20  # all pairs take 95 MiB at least
    finally:
        tracemalloc.stop()
    written = [text.get_text() for text in drawn.findobj(Text)]
    assert any(told in text for text in written)


def test_a_quick_picture_of_a_large_model_takes_little_memory():
    tracemalloc.start()
    try:
        gram_picture(np.ones((16, 1, 5000)))
        assert tracemalloc.get_traced_memory()[1] < 128 * 2**20  # all pairs take 1.5 GiB at least
    finally:
        tracemalloc.stop()
