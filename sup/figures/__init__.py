"""Figures, as pure functions from results to matplotlib figures.

One style for all: colours that the colour-blind tell apart, sizes that can be read in print.
"""

from sup.figures.features import feature_figure
from sup.figures.gram import gram_figure
from sup.figures.training import training_figure

RUN_FIGURES = {"gram": gram_figure, "features": feature_figure, "training": training_figure}
"""The figures of every run, by file name."""
