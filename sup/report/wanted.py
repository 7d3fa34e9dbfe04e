"""Which pictures suit results, by what these are results of."""

from collections.abc import Iterator
from functools import partial
from typing import Any

import xarray as xr

from sup.analysis.experiment import LARGEST_HEATMAP, curve_axis
from sup.analysis.privileged import has_neurons
from sup.article.evidence import Evidence
from sup.config.grid import MOST_SHOWN
from sup.figures.along import along_figure
from sup.figures.behind import has_published
from sup.figures.dimensionality import dimensionality_figure
from sup.figures.dimensions import dimensions_figure
from sup.figures.families import families_figure
from sup.figures.features import feature_panels
from sup.figures.gallery import arranged_best
from sup.figures.gram import gram_gallery
from sup.figures.neurons import weights_figure
from sup.figures.style import activation_name
from sup.figures.sweep import is_curve
from sup.figures.training import training_figure
from sup.figures.vectors import vector_gallery
from sup.report.of_activations import animation
from sup.report.of_phases import phases
from sup.report.pictures import Wanted, final
from sup.report.words import plain_name

ALONG_SPARSITY = (
    "Dimensions per feature, total dimensionality, and numbers of represented, explained and "
    "effective features against 1/(1-S)"
)
"""What `dimensions_figure` shows, for those who do not see it."""

MOST_CURVES = 100
"""Models whose losses along training one figure can tell apart, or at least hold."""


def together(evidence: Evidence, end: Evidence | None) -> Iterator[Wanted]:
    """Yield the pictures that show all models of some results together.

    Args:
        evidence: the results.
        end: of the same models trained to the end, if there is that.
    """
    if evidence.kind == "phase_diagram":
        yield from phases(evidence)
    elif evidence.kind == "dimensions":
        yield from dimensions(evidence, end)
    elif evidence.kind == "bottleneck_sizes":
        yield sizes(evidence)
    elif evidence.kind == "families":
        yield families(evidence)
    elif evidence.kind == "bottleneck":
        yield from curve(evidence)
    else:
        yield from others(evidence)


def dimensions(evidence: Evidence, end: Evidence | None) -> Iterator[Wanted]:
    """Yield dimensions per feature, and every feature's dimensionality."""
    beside = "beside it measures that do not depend on the scale of W, and what is explained"
    if end is not None:
        beside += (
            ". Dotted: trained to the end; last, what the article's recipe leaves of the loss "
            "above that, where less than nothing is another minimum"
        )
    results = final(evidence.results)
    behind = ", with the article's published curves pale behind" if has_published(results) else ""
    yield Wanted(
        evidence.stem,
        dimensions_figure,
        (results, None if end is None else final(end.results)),
        ALONG_SPARSITY,
        f"Dimensions per feature along sparsity{behind}; {beside}.",
        evidence.path,
    )
    yield Wanted(
        evidence.stem.replace("dimensions", "dimensionality"),
        dimensionality_figure,
        (results,),
        "Scatter of the dimensionality of every feature against 1/(1-S), a panel for each "
        "activation",
        "Every feature's dimensionality. Lines mark regular arrangements: alone 1, tetrahedron "
        "3/4, triangle 2/3, antipodal pair 1/2, pentagon 2/5, square antiprism 3/8, and 1/4.",
        evidence.path,
    )


def sizes(evidence: Evidence) -> Wanted:
    """Return models of several numbers of features along sparsity."""
    results = final(evidence.results)
    return Wanted(
        evidence.stem,
        gram_gallery,
        (results,),
        "Gram matrices along sparsity, of models with several numbers of features",
        f"WᵀW of several numbers of features in {results.sizes['hidden']} dimensions, the best "
        "of the seeds: where there are fewer or more than two for each dimension, pairs are "
        "not all that there is room for.",
        evidence.path,
    )


def families(evidence: Evidence) -> Wanted:
    """Return measures along the parameters of families."""
    return Wanted(
        evidence.stem,
        families_figure,
        (final(evidence.results),),
        "Measures of superposition along the parameter of each family of activations",
        "Families of activations along their parameters: lines by sparsity, the mean over "
        "seeds with its interval; dashed ReLU, dotted linear; crosses where the optimum of two "
        "features in one dimension holds both.",
        evidence.path,
    )


def curve(evidence: Evidence) -> Iterator[Wanted]:
    """Yield all of them, and what becomes of them along sparsity, where there are several."""
    yield Wanted(
        f"{evidence.stem}-gallery",
        gram_gallery,
        (final(evidence.results),),
        "Gram matrices: rows activations, columns sparsities",
        "WᵀW, the best of the seeds where there are several. Red on the diagonal: a feature that "
        "is represented. Blue off it: two features that share a dimension as opposites.",
        evidence.path,
    )
    if is_curve(evidence.results):
        yield Wanted(
            f"{evidence.stem}-dimensions",
            dimensions_figure,
            (final(evidence.results),),
            ALONG_SPARSITY,
            "Dimensions per feature along sparsity, and what is reconstructed beside it.",
            evidence.path,
        )
    if evidence.results.sizes["hidden"] == 2:
        yield vectors(evidence)


def others(evidence: Evidence) -> Iterator[Wanted]:
    """Yield pictures of any other models: along an axis, their weights, their training."""
    results, name = final(evidence.results), evidence.path.name
    picture = partial(Wanted, path=evidence.path)
    if axis := curve_axis(results):
        along = plain_name(axis)
        yield picture(
            f"along-{axis}-{evidence.stem}",
            along_figure,
            (results, axis),
            f"Measures of the models in {name} along {along}",
            f"What becomes of these models along {along}: the mean over seeds, from three seeds on "
            "with its 95% interval.",
        )
    if "instance" in results["loss"].dims:
        return
    if results.sizes["hidden"] == 2:
        yield vectors(evidence)
    if results.sizes["feature"] <= LARGEST_HEATMAP:
        yield picture(
            f"gram-{evidence.stem}",
            gram_gallery,
            (results,),
            f"Gram matrices of the models in {name}",
            "WᵀW of these models, the best of the seeds where there are several.",
        )
    else:
        yield picture(
            f"features-{evidence.stem}",
            large_features,
            (results,),
            f"Norms of the features of the models in {name}",
            "The norms of the features; a bar's colour is its feature's polysemanticity.",
        )
    if has_neurons(results):
        yield picture(
            f"neurons-{evidence.stem}",
            weights_figure,
            (results,),
            f"Weights between features and neurons of the models in {name}",
            "What each neuron reads and writes.",
        )
    if results["loss"].size <= MOST_CURVES and "training_loss" in evidence.results:
        yield picture(
            f"training-{evidence.stem}",
            training_figure,
            (evidence.results,),
            f"Training loss of the models in {name} along steps",
            "The loss along training.",
        )
    if results["loss"].size == 1 and "training_W" in evidence.results and "sparsity" in results:
        one = evidence.results.squeeze()
        name = activation_name(evidence.activations[0])
        yield animation(f"training-animation-{evidence.stem}", name, one, picture)


def large_features(results: xr.Dataset) -> Any:
    """Draw the features' norms of some models, the best of the seeds."""
    return feature_panels(arranged_best(results, MOST_SHOWN))


def vectors(evidence: Evidence) -> Wanted:
    """Return features as vectors in the plane."""
    return Wanted(
        f"vectors-{evidence.stem}",
        vector_gallery,
        (final(evidence.results),),
        f"The features of the models in {evidence.path.name} as vectors in the plane",
        "Features as vectors in the two hidden dimensions.",
        evidence.path,
    )
