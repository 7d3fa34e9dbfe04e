"""Features one by one, as bars: their numbers, and what their axes tell."""

import numpy as np
import pytest

from sup.figures.features import raw_neuron_figure
from sup.figures.gram import along_sparsity_figure
from tests.sup.figures.test_gallery import SPARSITY, legible, results_of


def test_few_features_have_numbers_and_ticks_at_their_colours():
    results = results_of(SPARSITY)
    results["W"][:] = np.array([[1.0, 0.0, 0.6, 0.01], [0.0, 1.0, 0.0, 0.0]])
    figure = raw_neuron_figure(results)
    assert [text.get_text() for text in figure.axes[0].texts] == ["0", "2", "1"]
    heights = [text.get_position()[1] for text in figure.axes[0].texts]
    assert heights == pytest.approx([0.5, 1.18, 0.5])
    assert figure.axes[-1].get_yticks().tolist() == [0, 1, 2, 3]
    legible(figure)


def test_norms_along_sparsity_have_two_ticks_and_a_label_of_their_own():
    results = results_of({"seed": [0, 1]} | SPARSITY)
    results["feature_norm"][:] = 2.7
    figure = along_sparsity_figure(results)
    bars = figure.axes[1]
    assert bars.get_xticks() == pytest.approx([0, 2])
    written = legible(figure)
    assert written.count("$\\|W_i\\|$") == written.count("feature") - 1 == 4
    assert "ReLU; best of 2 seeds" in written
