"""The figures of a report that show all models of a sweep together."""

from collections.abc import Iterator

from sup.analysis.experiment import LARGEST_HEATMAP, curve_axis
from sup.article.evidence import Evidence
from sup.article.pictures import Gallery, Picture, file_name
from sup.figures.along import along_figure
from sup.figures.dimensionality import dimensionality_figure
from sup.figures.dimensions import dimensions_figure
from sup.figures.families import families_figure
from sup.figures.gaps import loss_gap_figure
from sup.figures.gram import gram_figure, gram_gallery
from sup.figures.phase import (
    optimum_phase_figure,
    phase_figure,
    phase_seeds_figure,
    phase_share_figure,
)
from sup.figures.phase_function import has_function, phase_function_figure
from sup.figures.phase_panels import diagram_in
from sup.figures.style import activation_name
from sup.figures.sweep import is_curve

ALONG_SPARSITY = (
    "Dimensions per feature, total dimensionality, and numbers of represented, explained and "
    "effective features against 1/(1-S)"
)
"""What `dimensions_figure` shows, for those who do not see it."""


def joint(gallery: Gallery, evidence: Evidence, end: Evidence | None) -> Iterator[Picture]:
    """Draw what suits a sweep.

    Args:
        gallery: writes the figures.
        evidence: the sweep.
        end: of the same models trained to the end, if there is that.
    """
    results = evidence.results
    if evidence.kind == "phase_diagram":
        yield from phases(gallery, evidence)
    elif evidence.kind == "dimensions":
        yield from dimensions(gallery, evidence, end)
    elif evidence.kind == "bottleneck_sizes":
        yield gallery.picture(
            evidence.stem,
            gram_gallery(results),
            "Gram matrices along sparsity, of models with several numbers of features",
            f"WᵀW of several numbers of features in {results.sizes['hidden']} dimensions, the best "
            "of the seeds: where there are fewer or more than two for each dimension, pairs are "
            "not all that there is room for.",
        )
    elif evidence.kind == "families":
        yield gallery.picture(
            evidence.stem,
            families_figure(results),
            "Measures of superposition along the parameter of each family of activations",
            "Families of activations along their parameters: lines by sparsity, the mean over "
            "seeds with its interval; dashed ReLU, dotted linear; crosses where the optimum of two "
            "features in one dimension holds both.",
        )
    elif is_curve(results):
        yield gallery.picture(
            f"{evidence.stem}-dimensions",
            dimensions_figure(results),
            ALONG_SPARSITY,
            "Dimensions per feature along sparsity, and what is reconstructed beside it.",
        )
    elif evidence.kind == "other":
        yield from others(gallery, evidence)


def phases(gallery: Gallery, evidence: Evidence) -> Iterator[Picture]:
    """Draw the phase diagrams of training: the best seed's, the seeds' and by function."""
    results = evidence.results
    names = ", ".join(activation_name(name) for name in evidence.activations)
    yield gallery.picture(
        evidence.stem.replace("phase_diagram", "phases"),
        phase_figure(results),
        f"Phase diagrams over density and relative importance, a panel each for {names}",
        f"What becomes of the extra feature of {diagram_in(results).title}, the best of "
        "the seeds; lines are the boundaries of the optimum.",
    )
    if "seed" in results.dims:
        yield gallery.picture(
            evidence.stem.replace("phase_diagram", "phases-of-seeds"),
            phase_seeds_figure(results),
            f"Share of seeds in each phase, a panel each for {names}",
            f"Where {results.sizes['seed']} seeds end: the mixture of the phases' colours "
            "is that of the seeds. A single seed is one drawing from it.",
        )
    if has_function(results):
        yield gallery.picture(
            evidence.stem.replace("phase_diagram", "phases-by-function"),
            phase_function_figure(results),
            f"Which of two features are reconstructed, two panels each for {names}",
            "The same by what is reconstructed, and what models in superposition by their "
            "weights come to: a pair of equal signs reconstructs one feature at most.",
        )
    if "optimum_phase" in results:
        yield from optima(gallery, evidence, names)
    yield gallery.picture(
        evidence.stem.replace("phase_diagram", "phase-shares"),
        phase_share_figure(results),
        f"Continuous phase diagrams of {names}: hue shows the extra feature's share",
        "The same without thresholds: hue for the extra feature's share of the "
        "squared weights, lightness for interference.",
    )


def optima(gallery: Gallery, evidence: Evidence, names: str) -> Iterator[Picture]:
    """Draw the optimum's phase diagrams, and how far from it training ends."""
    of_seeds = (
        " Beside the median of the seeds stands the best; the share of models above 1% is the mean "
        "over seeds with its 95% interval."
    )
    yield gallery.picture(
        evidence.stem.replace("phase_diagram", "phases-of-the-optimum"),
        optimum_phase_figure(evidence.results),
        f"Phase diagrams of the best possible models, a panel each for {names}",
        "The same of the best model that there is, whatever training finds.",
    )
    yield gallery.picture(
        evidence.stem.replace("phase_diagram", "loss-gaps"),
        loss_gap_figure(evidence.results),
        f"Excess of the trained models' loss over the optimum's, a panel each for {names}",
        "How far training ends from the optimum: where it is bright, in another minimum."
        + (of_seeds if "seed" in evidence.results.dims else ""),
    )


def dimensions(gallery: Gallery, evidence: Evidence, end: Evidence | None) -> Iterator[Picture]:
    """Draw dimensions per feature, and every feature's dimensionality."""
    beside = "beside it measures that do not depend on the scale of W, and what is explained"
    if end is not None:
        beside += (
            ". Dotted: trained to the end; last, what the article's recipe leaves of the loss "
            "above that, where less than nothing is another minimum"
        )
    yield gallery.picture(
        evidence.stem,
        dimensions_figure(evidence.results, None if end is None else end.results),
        ALONG_SPARSITY,
        "Dimensions per feature along sparsity, with the article's published curves pale "
        f"behind; {beside}.",
    )
    yield gallery.picture(
        evidence.stem.replace("dimensions", "dimensionality"),
        dimensionality_figure(evidence.results),
        "Scatter of the dimensionality of every feature against 1/(1-S), a panel for each "
        "activation",
        "Every feature's dimensionality. Lines mark regular arrangements: alone 1, tetrahedron "
        "3/4, triangle 2/3, antipodal pair 1/2, pentagon 2/5, square antiprism 3/8, and 1/4.",
    )


def others(gallery: Gallery, evidence: Evidence) -> Iterator[Picture]:
    """Draw models that are none of the article's experiments, and what becomes of them."""
    results = evidence.results
    if axis := curve_axis(results):
        yield gallery.picture(
            f"along-{file_name(axis)}-{evidence.stem}",
            along_figure(results, axis),
            f"Measures of the models in {evidence.path.name} along {axis}",
            f"What becomes of these models along {axis}.",
        )
    if results.sizes["feature"] <= LARGEST_HEATMAP:
        yield gallery.picture(
            f"gram-{evidence.stem}",
            gram_figure(results),
            f"Gram matrices of the models in {evidence.path.name}",
            "WᵀW of these models.",
        )
