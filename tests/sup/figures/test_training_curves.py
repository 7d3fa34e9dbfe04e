"""The loss along training: which line is which."""

import numpy as np
import pytest

from sup.figures.style import COLOURS
from sup.figures.training import training_figure
from tests.sup.figures.test_gallery import ACTIVATION, DECAY, RATE, SPARSITY, results_of

LOOKS = [
    (ACTIVATION | SPARSITY, 3, 4),
    (SPARSITY | ACTIVATION, 3, 4),
    (ACTIVATION | RATE | DECAY, 6, 2),
    (ACTIVATION, 3, 1),
    (SPARSITY, 4, 1),
    ({"init_gain": [0.1, 0.2, 0.3, 0.4, 0.5]} | {"sparsity": list(np.linspace(0, 0.9, 3))}, 5, 3),
    ({}, 1, 1),
]


@pytest.mark.parametrize(("axes", "colours", "dashes"), LOOKS)
def test_lines_along_training_are_told_apart_by_colours_and_dashes(axes, colours, dashes):
    results = results_of(axes)
    lines = training_figure(results).axes[0].get_lines()
    looks = {(line.get_color(), line.get_linestyle()) for line in lines}
    assert len(looks) == len(lines) == results["loss"].size
    assert len({colour for colour, _ in looks}) == colours
    assert len({dash for _, dash in looks}) == dashes


def test_a_line_along_training_has_its_activations_colour():
    lines = training_figure(results_of(SPARSITY | ACTIVATION)).axes[0].get_lines()
    own = [COLOURS[name] for name in ("relu", "gelu", "solu")]
    assert [line.get_color() for line in lines] == 4 * own
