"""A sweep's figure is a grid that tells what each panel is, whatever was swept."""

import sys
from itertools import combinations
from types import ModuleType

import numpy as np
import pytest
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure
from matplotlib.text import Text

from sup.config.grid import MOST_SHOWN
from sup.figures.dimensionality import dimensionality_figure
from sup.figures.features import feature_figure, neuron_figure
from sup.figures.gallery import MOST_ROWS, NOTHING_SHOWN
from sup.figures.gram import along_sparsity_figure, gram_figure, gram_gallery
from sup.figures.style import MOST_CELLS
from sup.figures.sweep import sweep_figures
from sup.figures.training import training_figure

ACTIVATION = {"activation": ["relu", "gelu", "solu"]}
SPARSITY = {"sparsity": [0.0, 0.5, 0.9, 0.99]}
DECAY = {"importance_decay": [0.7, 0.9]}
RATE = {"optimizer_lr": [0.001, 0.01]}
SLOPE = {"activation_negative_slope": [0.01, 0.1]}
GAIN = {"init_gain": [0.5, 1.0]}

CURVES = (
    "dimensions_per_feature",
    "total_dimensionality",
    "features_represented",
    "features_explained",
    "effective_features",
)


def results_of(axes: dict[str, list], diverged=(), absent=()) -> xr.Dataset:
    """Make results of random weights, some of which diverged at step 2 or were never trained."""
    dims, shape = list(axes), tuple(map(len, axes.values()))
    state, step = np.zeros(shape), np.full(shape, np.nan)
    for place in diverged:
        state[place], step[place] = 1, 2
    for place in absent:
        state[place] = np.nan
    W = np.random.default_rng(0).normal(size=(*shape, 2, 4))
    W[state != 0] = np.nan
    loss = (W**2).sum((-1, -2))
    variables = {
        "W": ([*dims, "hidden", "feature"], W),
        "loss": (dims, loss),
        "dimensions_per_feature": (dims, 2 / loss),
        "diverged": (dims, state),
        "first_bad_step": (dims, step),
        "feature_norm": ([*dims, "feature"], np.sqrt((W**2).sum(-2))),
        "polysemanticity": ([*dims, "feature"], W[..., 0, :] ** 2),
        "training_loss": ([*dims, "step"], loss[..., None] * [1, 0.5, 0.1]),
    }
    variables |= {name: (dims, (k + 1) * loss) for k, name in enumerate(CURVES)}
    inner = {"hidden": range(2), "feature": range(4), "step": [1, 2, 5]}
    scalars = {"activation": "relu", "importance": "geometric"}
    return xr.Dataset(variables, {**scalars, **axes, **inner})


def drawn(figure: Figure) -> list[Text]:
    """Return what is written in a figure: not the ticks beyond an axis' end."""
    found: list[Text] = []
    draw = Text.draw

    def drawing(text, renderer, *arguments, **settings):
        draw(text, renderer, *arguments, **settings)
        if text.get_visible() and text.get_text().strip():
            found.append(text)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Text, "draw", drawing)
        FigureCanvasAgg(figure).draw()
    return found


def panels_of(figure: Figure) -> list[Axes]:
    """Return the panels of a figure, its colour bars aside."""
    return [axis for axis in figure.axes if axis.get_label() != "colour bar"]


def grid(figure: Figure) -> tuple[int, int]:
    """Return the rows and columns in which the panels of a figure stand, its colour bars aside."""
    places = [axis.get_position() for axis in panels_of(figure)]
    return len({round(at.y0, 6) for at in places}), len({round(at.x0, 6) for at in places})


def legible(figure: Figure) -> list[str]:
    """Return what is written in a figure, where no text touches another or leaves the figure."""
    boxes = [(text.get_text(), text.get_window_extent()) for text in drawn(figure)]
    for text, box in boxes:
        assert min(box.x0, box.y0) >= 0, text
        assert box.x1 <= figure.bbox.x1, text
        assert box.y1 <= figure.bbox.y1, text
    for (one, box), (other, another) in combinations(boxes, 2):
        assert not box.overlaps(another), (one, other)
    return [text for text, _ in boxes]


SHAPES = [
    ({}, (1, 1), ["ReLU"], []),
    (SPARSITY, (1, 4), ["S = 0", "S = 0.99"], []),
    (ACTIVATION, (1, 3), ["ReLU", "SoLU"], []),
    ({"init_gain": list(np.linspace(0, 1, 10))}, (3, 4), ["initial gain 0.111"], []),
    (ACTIVATION | SPARSITY, (3, 4), ["S = 0.9"], ["ReLU", "GELU", "SoLU"]),
    (ACTIVATION | DECAY, (3, 2), ["importance decay 0.9"], ["SoLU"]),
    (DECAY | ACTIVATION, (3, 2), ["importance decay 0.9"], ["SoLU"]),
    (RATE | SPARSITY, (2, 4), ["S = 0.9"], ["learning rate 0.001"]),
    (SPARSITY | RATE, (2, 4), ["S = 0.9"], ["learning rate 0.001"]),
    (SLOPE | SPARSITY, (2, 4), ["S = 0.9"], ["negative slope 0.01"]),
    ({"importance": ["uniform", "geometric"]} | SPARSITY, (2, 4), [], ["importance uniform"]),
    (ACTIVATION | SLOPE, (3, 2), ["negative slope 0.01"], ["ReLU"]),
    (ACTIVATION | DECAY | SPARSITY, (6, 4), ["S = 0.9"], ["ReLU\nimportance decay 0.7"]),
    (
        DECAY | ACTIVATION | RATE | SPARSITY,
        (12, 4),
        ["S = 0.9"],
        ["GELU\nimportance decay 0.7\nlearning rate 0.01"],
    ),
]


@pytest.mark.parametrize(("axes", "shape", "columns", "rows"), SHAPES)
def test_rows_and_columns_are_named_once(axes, shape, columns, rows):
    results = results_of(axes)
    figure = sweep_figures(results)["gallery"]
    assert grid(figure) == shape
    assert len(panels_of(figure)) == results["loss"].size
    written = legible(figure)
    for name in (*columns, *rows):
        assert written.count(name) == 1


def test_a_gallery_has_no_more_rows_than_can_be_looked_at():
    results = results_of({"init_gain": list(np.linspace(0, 1, 40)), "sparsity": [0.0, 0.9]})
    figure = gram_gallery(results)
    assert grid(figure) == (MOST_ROWS, 2)
    assert f"{2 * MOST_ROWS} of 80 models, evenly spaced" in legible(figure)


@pytest.mark.parametrize("draw", [gram_figure, feature_figure, training_figure])
@pytest.mark.parametrize("axes", [{}, SPARSITY, RATE | SPARSITY, GAIN | SLOPE | RATE | SPARSITY])
def test_a_runs_own_figures_are_legible(draw, axes):
    assert legible(draw(results_of(axes)))


@pytest.mark.parametrize("draw", [gram_figure, feature_figure, neuron_figure, training_figure])
def test_the_activation_and_sparsity_of_all_models_stand_once_in_a_figure(draw):
    fixed = {"sparsity": 0.9}
    (title,) = [
        text for text in legible(draw(results_of({}).assign_coords(fixed))) if "ReLU" in text
    ]
    assert title == "ReLU, S = 0.9"
    rates = legible(draw(results_of(RATE).assign_coords(fixed)))
    assert len([text for text in rates if text.startswith("ReLU, S = 0.9")]) == 1
    assert not [text for text in legible(draw(results_of(SPARSITY))) if text == "ReLU, S = 0"]


@pytest.mark.parametrize("count", [1, 5, 7, 10])
def test_one_activation_along_sparsity_is_legible(count):
    sparsity = {"sparsity": [round(value, 2) for value in np.linspace(0, 0.99, count)]}
    results = results_of(sparsity, diverged=[(0,)])
    assert "diverged at step 2" in legible(along_sparsity_figure(results))
    assert legible(neuron_figure(results))


def test_panels_are_in_their_rows_and_columns():
    results = results_of(DECAY | ACTIVATION | SPARSITY)
    first = gram_gallery(results).axes[4]
    W = results["W"].sel(activation="relu", importance_decay=0.9, sparsity=0).values
    assert np.asarray(first.images[0].get_array()) == pytest.approx(W.T @ W)


@pytest.mark.parametrize(
    ("axes", "scales"),
    [
        (ACTIVATION | DECAY | SPARSITY, [8, 8, 8]),
        (RATE | SPARSITY, [8]),
        (ACTIVATION, [3]),
        ({}, [1]),
    ],
)
def test_each_activation_has_its_scale_and_a_bar_beside_its_rows(axes, scales):
    results = results_of(axes)
    if "activation" in axes:
        results["W"].loc[{"activation": "gelu"}] *= 10
    figure = gram_gallery(results)
    legible(figure)
    panels, limits = panels_of(figure), []
    bars = [axis for axis in figure.axes if axis not in panels]
    assert len(bars) == len(scales)
    for bar, count in zip(bars, scales, strict=True):
        own, panels = panels[:count], panels[count:]
        limits += {axis.images[0].get_clim() for axis in own}
        assert bar.get_position().y0 >= own[-1].get_position().y0 - 1e-9
        assert own[0].get_position().y1 >= bar.get_position().y1 - 1e-9
    assert len(limits) == len(scales)
    if len(scales) > 1:
        assert limits[1][1] > 10 * max(limits[0][1], limits[2][1])


def test_what_is_missing_is_grey_and_says_why():
    absent = [(2, k) for k in range(4)]
    results = results_of(ACTIVATION | SPARSITY, diverged=[(0, 1)], absent=absent)
    for figure in (gram_gallery(results), feature_figure(results)):
        reasons = {1: ["diverged at step 2"], **{index: ["no result"] for index in range(8, 12)}}
        for index, axis in enumerate(figure.axes[:12]):
            assert [text.get_text() for text in axis.texts] == reasons.get(index, [])
            if index in reasons:
                assert axis.get_facecolor() == to_rgba(NOTHING_SHOWN)
        assert legible(figure).count("no result") == 4


@pytest.mark.parametrize("axes", [{}, SPARSITY])
@pytest.mark.parametrize("draw", [gram_figure, feature_figure, neuron_figure, training_figure])
def test_where_all_diverged_there_is_no_scale(axes, draw):
    places = list(np.ndindex(tuple(map(len, axes.values()))))
    figure = draw(results_of(axes, diverged=places))
    assert "diverged at step 2" in legible(figure)
    assert not any(len(axis.get_yticks()) for axis in figure.axes[: len(places)])


def test_features_that_others_have_more_are_grey():
    results = results_of({"n_features": [2, 4]})
    results["W"].loc[{"n_features": 2, "feature": [2, 3]}] = np.nan
    smaller = gram_gallery(results).axes[0]
    assert np.ma.count_masked(smaller.images[0].get_array()) == 16 - 4
    assert not smaller.texts
    assert smaller.get_facecolor() == to_rgba(NOTHING_SHOWN)


def test_an_activation_that_has_no_results_is_named_among_the_dimensionalities():
    results = results_of(ACTIVATION | SPARSITY, absent=[(1, k) for k in range(4)])
    results["feature_dimensionality"] = results["polysemanticity"] / 10
    figure = dimensionality_figure(results)
    assert {"GELU", "no finite results"} <= {text.get_text() for text in drawn(figure)}


def test_the_best_seed_of_each_model_is_shown_and_said_so():
    results = results_of({"seed": [0, 1, 2]} | SPARSITY)
    figure = gram_gallery(results)
    assert grid(figure) == (1, 4)
    assert "the best of 3 seeds of each model" in legible(figure)
    assert grid(gram_figure(results)) == (3, 4)


def test_a_large_sweep_is_thinned_to_a_regular_grid():
    results = results_of(ACTIVATION | DECAY | {"sparsity": list(np.linspace(0, 0.99, 30))})
    figure = gram_gallery(results)
    assert grid(figure) == (6, 20)
    assert len(panels_of(figure)) == MOST_CELLS
    assert {"S = 0", "S = 0.99", "120 of 180 models, evenly spaced"} <= set(legible(figure))


def test_a_large_run_is_thinned_to_a_regular_grid():
    figure = gram_figure(results_of(ACTIVATION | DECAY | RATE | SPARSITY))
    rows, columns = grid(figure)
    assert (rows, columns) == (8, 2)
    assert len(panels_of(figure)) == rows * columns <= MOST_SHOWN
    assert f"{rows * columns} of 48 models, evenly spaced" in legible(figure)


@pytest.fixture
def failing(monkeypatch) -> None:
    """Provide a user's module whose activation passes its trial and raises in training."""
    module = ModuleType("failing")

    def fails(z):
        if z.shape[-1] >= 64:
            raise ZeroDivisionError
        return z.clamp_min(0)

    module.__dict__["fails"] = fails
    monkeypatch.setitem(sys.modules, "failing", module)


@pytest.mark.usefixtures("failing")
def test_a_failed_job_has_its_place(command, monkeypatch, tmp_path):
    shown = []

    def seen(results):
        shown.append(gram_gallery(results))
        return {"gallery": shown[0]}

    monkeypatch.setattr("sup.sweep.draw.NAMES", ())
    monkeypatch.setattr("sup.figures.sweep.sweep_figures", seen)
    activations = (
        "activation._target_=sup.model.activations.GELU,failing.fails,sup.model.activations.Tanh"
    )
    quick = ("steps=20", "batch_size=64", "logger=none", "hydra.sweep.dir=sweep")
    outcome = command("-m", activations, "sparsity=[0,0.9]", *quick)
    assert "1 of 3 runs failed" in outcome.error
    assert (tmp_path / "sweep" / "figures" / "gallery.png").is_file()
    assert grid(shown[0]) == (3, 2)
    texts = [[text.get_text() for text in axis.texts] for axis in shown[0].axes[:6]]
    assert texts == [[], [], ["no result"], ["no result"], [], []]
    assert {"GELU", "fails", "tanh", "S = 0.9"} <= set(legible(shown[0]))
