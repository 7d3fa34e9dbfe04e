"""The pictures of one activation along sparsity."""

from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np
import xarray as xr

from sup.analysis.varimax import leading_share, varimax
from sup.article.evidence import Evidence
from sup.figures.animation import gram_animation
from sup.figures.features import neuron_figure, raw_neuron_figure
from sup.figures.gram import along_sparsity_figure
from sup.figures.labels import sparsity_label
from sup.figures.large import MOST_DIMENSIONS
from sup.figures.style import activation_name, best_seed
from sup.figures.training import training_figure
from sup.report.pictures import Wanted, final


def of_activation(evidence: Evidence, activation: str) -> Iterator[Wanted]:
    """Yield the pictures of one activation in a sweep along sparsity."""
    own = evidence.of(activation)
    assert own is not None
    name, best = activation_name(activation), best_seed(own).sortby("sparsity")
    picture = partial(Wanted, path=evidence.path)
    stem = f"{evidence.stem}-{activation}"
    yield picture(
        f"{stem}-gram",
        along_sparsity_figure,
        (final(own),),
        f"Gram matrices of {name} with feature norms beside them, a panel for each sparsity",
        "WᵀW and the norms of the features along sparsity; a bar's colour is its feature's "
        "polysemanticity.",
    )
    if best.sizes["hidden"] <= MOST_DIMENSIONS:
        shown = ", as the article shows it" if evidence.is_articles else ""
        yield from neurons(stem, name, final(best), shown, picture)
    yield picture(
        f"{stem}-training",
        training_figure,
        (own.sortby("sparsity"),),
        f"Training loss of {name} along steps, a line for each sparsity",
        "The loss along training.",
    )
    if "training_W" in best:
        sparse = best.isel(sparsity=-2 if best.sizes["sparsity"] > 2 else -1)
        yield animation(f"{stem}-training-animation", name, sparse, picture)


def neurons(stem: str, name: str, best: xr.Dataset, shown: str, picture: Any) -> Iterator[Wanted]:
    """Yield what each hidden dimension carries: in varimax's basis, and as trained.

    Args:
        stem: what their names begin with.
        name: of the activation.
        best: results along sparsity.
        shown: who else shows them as trained; "" for nobody.
        picture: makes one.
    """
    yield picture(
        f"{stem}-neurons",
        neuron_figure,
        (best,),
        f"Stacked bars: how the features of {name} are spread over the hidden dimensions, a panel "
        "for each sparsity",
        "What each hidden dimension carries: squared weights, stacked by feature. Hidden space has "
        "no basis of its own (W and QW are the same model for any rotation Q); this is varimax's, "
        "which makes a dimension's weights as unequal as can be. Features that are not orthogonal "
        "share a dimension in every basis.",
    )
    yield picture(
        f"{stem}-neurons-raw",
        raw_neuron_figure,
        (best,),
        f"The same stacked bars of {name} in the basis that training ended in",
        f"The same as trained{shown}. {_how_raw(best)}",
    )


def animation(stem: str, name: str, one: xr.Dataset, picture: Any) -> Wanted:
    """Return how ``W^T W`` of one model comes about."""
    label = sparsity_label(one["sparsity"].item())
    return picture(
        stem,
        gram_animation,
        (one,),
        f"Animation of the Gram matrix of {name} over training at {label}",
        f"WᵀW over training at {label}; frames are log-spaced in steps.",
    )


def _how_raw(best: xr.Dataset) -> str:
    """Say how far the basis that training ended in is from varimax's."""
    models = [W for W in best["W"].values if np.isfinite(W).all()]
    if not models:
        return ""
    raw, turned = (
        np.mean([leading_share(basis(W)) for W in models]) for basis in (np.asarray, varimax)
    )
    return (
        f"A dimension's greatest feature has {raw:.0%} of its squared weights here, and "
        f"{turned:.0%} in varimax's basis."
    )
