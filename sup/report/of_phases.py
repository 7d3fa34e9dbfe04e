"""The pictures of phase diagrams: what training finds, and the best models that there are."""

from collections.abc import Iterator
from typing import Any

from sup.article.evidence import Evidence
from sup.figures.gaps import loss_gap_figure
from sup.figures.phase import (
    optimum_phase_figure,
    phase_figure,
    phase_seeds_figure,
    phase_share_figure,
)
from sup.figures.phase_function import has_function, phase_function_figure
from sup.figures.phase_panels import diagram_in
from sup.figures.style import activation_name
from sup.report.pictures import Wanted, final


def phases(evidence: Evidence) -> Iterator[Wanted]:
    """Yield the phase diagrams of training: the best seed's, the seeds' and by function."""
    results = final(evidence.results)
    names = ", ".join(activation_name(name) for name in evidence.activations)

    def picture(name: str, figure: Any, alt: str, caption: str) -> Wanted:
        stem = evidence.stem.replace("phase_diagram", name)
        return Wanted(stem, figure, (results,), alt, caption, evidence.path)

    yield picture(
        "phases",
        phase_figure,
        f"Phase diagrams over density and relative importance, a panel each for {names}",
        f"What becomes of the extra feature of {diagram_in(results).title}, the best of "
        "the seeds; lines are the boundaries of the optimum.",
    )
    if "seed" in results.dims:
        yield picture(
            "phases-of-seeds",
            phase_seeds_figure,
            f"Share of seeds in each phase, a panel each for {names}",
            f"Where {results.sizes['seed']} seeds end: the mixture of the phases' colours "
            "is that of the seeds. A single seed is one drawing from it.",
        )
    if has_function(results):
        yield picture(
            "phases-by-function",
            phase_function_figure,
            f"Which of two features are reconstructed, two panels each for {names}",
            "The same by what is reconstructed, and what models in superposition by their "
            "weights come to: a pair of equal signs reconstructs one feature at most.",
        )
    if "optimum_phase" in results:
        of_seeds = (
            " Beside the median of the seeds stands the best; the share of models above 1% is the "
            "mean over seeds with its 95% interval."
        )
        yield picture(
            "phases-of-the-optimum",
            optimum_phase_figure,
            f"Phase diagrams of the best possible models, a panel each for {names}",
            "The same of the best model that there is, whatever training finds.",
        )
        yield picture(
            "loss-gaps",
            loss_gap_figure,
            f"Excess of the trained models' loss over the optimum's, a panel each for {names}",
            "How far training ends from the optimum: where it is bright, in another minimum."
            + (of_seeds if "seed" in results.dims else ""),
        )
    yield picture(
        "phase-shares",
        phase_share_figure,
        f"Continuous phase diagrams of {names}: hue shows the extra feature's share",
        "The same without thresholds: hue for the extra feature's share of the "
        "squared weights, lightness for interference.",
    )
