"""Figures, as pure functions from results to matplotlib figures.

One style for all: colours that the colour-blind tell apart, sizes that can be read in print. For a
paper: ``sup.figures.write(sup.figures.gram_gallery(data), "gallery.pdf")``, or .svg, or .png; for a
dark page or slide `on_dark`.
"""

from sup.figures.along import along_figure
from sup.figures.dark import on_dark
from sup.figures.dimensionality import dimensionality_figure
from sup.figures.dimensions import dimensions_figure
from sup.figures.families import families_figure
from sup.figures.features import feature_figure, neuron_figure
from sup.figures.gaps import loss_gap_figure
from sup.figures.gram import along_sparsity_figure, gram_figure, gram_gallery
from sup.figures.neurons import weights_figure
from sup.figures.phase import (
    optimum_phase_figure,
    phase_figure,
    phase_share_figure,
)
from sup.figures.phase_function import phase_function_figure
from sup.figures.training import training_figure
from sup.figures.vectors import vector_figure, vector_gallery
from sup.figures.writing import write

__all__ = [
    "RUN_FIGURES",
    "along_figure",
    "along_sparsity_figure",
    "dimensionality_figure",
    "dimensions_figure",
    "families_figure",
    "feature_figure",
    "gram_figure",
    "gram_gallery",
    "loss_gap_figure",
    "neuron_figure",
    "on_dark",
    "optimum_phase_figure",
    "phase_figure",
    "phase_function_figure",
    "phase_share_figure",
    "training_figure",
    "vector_figure",
    "vector_gallery",
    "weights_figure",
    "write",
]

RUN_FIGURES = {
    "gram": gram_figure,
    "features": feature_figure,
    "training": training_figure,
    "vectors": vector_figure,
    "neurons": weights_figure,
}
"""The figures of runs, by file name."""
