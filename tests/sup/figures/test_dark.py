"""Figures for dark pages: what was black is seen, hues stay, and the order of scales too."""

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import rgb_to_hsv, to_rgb
from matplotlib.figure import Figure

from sup.figures.dark import PAPER, lifted, on_dark, scale_on_dark, turned
from sup.figures.features import feature_figure
from sup.figures.gram import gram_figure
from sup.figures.phase import phase_figure, phase_share_figure
from sup.figures.style import COLOURS
from sup.figures.training import training_figure
from sup.figures.vectors import vector_figure
from tests.sup.figures.test_any_results import RATIOS, results_of


def luminance(rgb: np.ndarray) -> np.ndarray:
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    return linear @ [0.2126, 0.7152, 0.0722]


def contrast(rgb: np.ndarray) -> np.ndarray:
    """Return the contrast to the paper, as W3C has it."""
    return (luminance(rgb) + 0.05) / (luminance(np.full(3, PAPER)) + 0.05)


def rgba(*colours: str) -> np.ndarray:
    return np.array([(*to_rgb(colour), 1.0) for colour in colours])


def test_blacks_and_whites_change_places_and_hues_stay():
    black, grey, white = turned(rgba("black", "0.3", "white"))[:, 0]
    assert black > grey > white == pytest.approx(PAPER)
    colours = rgba(*[one for name, one in COLOURS.items() if name != "linear"])
    hues = [rgb_to_hsv(one[:, :3])[:, 0] for one in (colours, turned(colours))]
    assert hues[1] == pytest.approx(hues[0], abs=0.01)
    assert (contrast(turned(colours)[:, :3]) > 3).all()


def test_a_scale_keeps_its_order_and_its_dark_end_is_seen():
    scale = scale_on_dark(mpl.colormaps["viridis"])(np.linspace(0, 1, 50))[:, :3]
    assert (np.diff(luminance(scale)) > -0.006).all()  # too little to be seen, at its ends
    assert (np.diff(luminance(scale[::8])) > 0.01).all()
    assert contrast(scale).min() > 2
    assert lifted(rgba("black", "white"))[:, 0].tolist() == [0, 1]


def test_of_a_product_of_weights_nothing_is_dark_and_signs_have_their_hues():
    scale = scale_on_dark(mpl.colormaps["RdBu_r"])
    below, none, above = (np.array(scale(at)[:3]) for at in (0.15, 0.5, 0.85))
    assert below.argmax() == 2
    assert above.argmax() == 0
    assert luminance(none) < 0.2 * min(luminance(below), luminance(above))


RUN = {"m": 2, "n": 5, "sparsity": [0.0, 0.9]}
DRAWN = {
    "gram": lambda: gram_figure(results_of(**RUN)),
    "features": lambda: feature_figure(results_of(**RUN)),
    "training": lambda: training_figure(results_of(**RUN)),
    "vectors": lambda: vector_figure(results_of(**RUN)),
    "phases": lambda: phase_figure(results_of(**RATIOS)),
    "shares": lambda: phase_share_figure(results_of(**RATIOS)),
}


@pytest.mark.parametrize("name", DRAWN)
def test_all_words_are_light_and_the_page_shows_through(name):
    light, figure = DRAWN[name](), on_dark(DRAWN[name]())
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    assert np.asarray(canvas.buffer_rgba())[0, 0, 3] == 0
    labels = [
        text for axes in figure.axes for text in (*axes.get_xticklabels(), *axes.get_yticklabels())
    ]
    words = [text for text in (*labels, *figure.texts) if text.get_text()]
    assert len(words) > 2
    assert all(contrast(np.array(to_rgb(text.get_color()))) > 4.5 for text in words)
    assert written(figure) == written(light)


def written(figure: Figure) -> list[str]:
    """Return the numbers at axes and at colour bars."""
    figure.draw_without_rendering()
    return [text.get_text() for axes in figure.axes for text in axes.get_yticklabels()]
