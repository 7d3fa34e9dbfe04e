"""The figures of a report, drawn from evidence and written beside it."""

import base64
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import xarray as xr
from matplotlib.figure import Figure

from sup.analysis.experiment import LARGEST_HEATMAP, curve_axis
from sup.analysis.varimax import leading_share, varimax
from sup.article.evidence import Evidence
from sup.figures import basics
from sup.figures.along import along_figure
from sup.figures.animation import gram_animation, write_gif
from sup.figures.dimensions import dimensionality_figure, dimensions_figure
from sup.figures.features import neuron_figure, raw_neuron_figure
from sup.figures.gram import along_sparsity_figure, gram_figure, gram_gallery, pair_figure
from sup.figures.large import MOST_DIMENSIONS
from sup.figures.phase import (
    loss_gap_figure,
    optimum_phase_figure,
    phase_figure,
    phase_seeds_figure,
    phase_share_figure,
)
from sup.figures.phase_panels import diagram_in
from sup.figures.style import activation_name, best_seed, write
from sup.figures.training import training_figure


@dataclass(frozen=True)
class Picture:
    """A picture as the page shows it.

    Args:
        name: its file's, without ending; also its place in the page.
        source: a data URI.
        alt: what it shows, for those who do not see it.
        caption: what is written below it.
    """

    name: str
    source: str
    alt: str
    caption: str


@dataclass(frozen=True)
class Frame:
    """One position of a slider: its label and its picture."""

    label: str
    picture: Picture


@dataclass(frozen=True)
class Section:
    """What there is of one activation in one sweep: a slider and figures."""

    title: str
    frames: list[Frame]
    pictures: list[Picture]


def data_uri(content: bytes, kind: str) -> str:
    """Return a file's content as a data URI."""
    return f"data:image/{kind};base64,{base64.b64encode(content).decode()}"


def file_name(name: str) -> str:
    """Return a name without what means something in a path: activations are called anything."""
    return re.sub(r"[^\w.-]", "-", name)


def _how_raw(best: xr.Dataset) -> str:
    """Say how far the basis that training ended in is from varimax's."""
    models = [W for W in best["W"].values if np.isfinite(W).all()]
    if not models:
        return ""
    raw, turned = (
        np.mean([leading_share(basis(W)) for W in models]) for basis in (np.asarray, varimax)
    )
    return (
        f"Adam prefers the axes: a dimension's greatest feature has {raw:.0%} of its squared "
        f"weights here, and {turned:.0%} in varimax's basis."
    )


class Gallery:
    """Writes figures into a folder and returns them as pictures.

    Args:
        folder: where PNG, SVG and GIF are written.
    """

    def __init__(self, folder: Path):
        self.folder = folder

    def picture(self, name: str, figure: Figure, alt: str, caption: str) -> Picture:
        """Write a figure as PNG and SVG."""
        name = file_name(name)
        png, _ = write(figure, self.folder, name)
        return Picture(name, data_uri(png.read_bytes(), "png"), alt, caption)

    def frame(self, name: str, one: xr.Dataset) -> Frame:
        """Make a slider's position of one model; too many of them for files of their own."""
        buffer = io.BytesIO()
        pair_figure(one).savefig(buffer, dpi=110)
        sparsity = one["sparsity"].item()
        represented = int(one["features_represented"])
        features = one.sizes["feature"]
        total, loss = one["total_dimensionality"].item(), one["loss"].item()
        label = f"S = {sparsity:.4g}"
        alt = (
            f"Gram matrix and feature norms of {name} at {label}: {represented} of {features} "
            f"features represented, total dimensionality {total:.2f}, loss {loss:.3g}"
        )
        counted = f"{represented} of {features} features represented"
        caption = f"{counted} · Σ Dᵢ = {total:.2f} · loss {loss:.3g}"
        return Frame(label, Picture("", data_uri(buffer.getvalue(), "png"), alt, caption))

    def animation(self, name: str, one: xr.Dataset, alt: str, caption: str) -> Picture:
        """Write an animation over training as GIF."""
        name = file_name(name)
        path = write_gif(gram_animation(one), self.folder / f"{name}.gif")
        return Picture(name, data_uri(path.read_bytes(), "gif"), alt, caption)

    def introduction(self) -> list[Picture]:
        """Draw what goes in and what is applied."""
        return [
            self.picture(
                "inputs",
                basics.inputs_figure(),
                "Two batches of inputs as grey cells: about half present at S = 0.5, one "
                "in a hundred at S = 0.99",
                "Two batches of inputs, 100 samples of 20 features. A feature is zero with"
                " probability S, else uniform on [0, 1].",
            ),
            self.picture(
                "activations",
                basics.activations_figure(basics.article_activations()),
                "The seven activation functions and their slopes between -4 and 4",
                "The activation functions and their slopes. SoLU mixes features: it is "
                "drawn for the first of ten, the others at zero.",
            ),
        ]

    def activation_section(self, evidence: Evidence, activation: str) -> Section:
        """Draw what there is of one activation in a sweep along sparsity."""
        own = evidence.of(activation)
        assert own is not None
        name, best = activation_name(activation), best_seed(own).sortby("sparsity")
        stem = f"{evidence.stem}-{activation}"
        models = [best.isel(sparsity=k) for k in range(best.sizes["sparsity"])]
        frames = [self.frame(name, one) for one in models if np.isfinite(one["loss"])]
        pictures = [
            self.picture(
                f"{stem}-gram",
                along_sparsity_figure(own),
                f"Gram matrices of {name} with feature norms beside them, a panel for each "
                f"sparsity",
                "WᵀW and the norms of the features along sparsity; a bar's colour is its "
                "feature's polysemanticity.",
            ),
            self.picture(
                f"{stem}-training",
                training_figure(own.sortby("sparsity")),
                f"Training loss of {name} along steps, a line for each sparsity",
                "The loss along training.",
            ),
        ]
        if best.sizes["hidden"] <= MOST_DIMENSIONS:
            neurons = self.picture(
                f"{stem}-neurons",
                neuron_figure(best),
                f"Stacked bars: how the features of {name} are spread over the hidden "
                f"dimensions, a panel for each sparsity",
                "What each hidden dimension carries: squared weights, stacked by feature. Hidden "
                "space has no basis of its own (W and QW are the same model for any rotation Q); "
                "this is varimax's, which makes a dimension's weights as unequal as can be. "
                "Features that are not orthogonal share a dimension in every basis.",
            )
            raw = self.picture(
                f"{stem}-neurons-raw",
                raw_neuron_figure(best),
                f"The same stacked bars of {name} in the basis that training ended in",
                f"The same as trained, as the article shows it. {_how_raw(best)}",
            )
            pictures[1:1] = [neurons, raw]
        if "training_W" in best:
            sparse = best.isel(sparsity=-2 if best.sizes["sparsity"] > 2 else -1)
            label = f"S = {sparse['sparsity'].item():.4g}"
            alt = f"Animation of the Gram matrix of {name} over training at {label}"
            caption = f"WᵀW over training at {label}; frames are log-spaced in steps."
            pictures.append(self.animation(f"{stem}-training-animation", sparse, alt, caption))
        return Section(name, frames, pictures)

    def optimum(self, evidence: Evidence, names: str) -> Iterator[Picture]:
        """Draw the optimum's phase diagrams, and how far from it training ends."""
        yield self.picture(
            evidence.stem.replace("phase_diagram", "phases-of-the-optimum"),
            optimum_phase_figure(evidence.results),
            f"Phase diagrams of the best possible models, a panel each for {names}",
            "The same of the best model that there is, whatever training finds.",
        )
        yield self.picture(
            evidence.stem.replace("phase_diagram", "loss-gaps"),
            loss_gap_figure(evidence.results),
            f"Excess of the trained models' loss over the optimum's, a panel each for {names}",
            "How far training ends from the optimum: where it is bright, in another minimum.",
        )

    def dimensions(self, evidence: Evidence, end: Evidence | None) -> Iterator[Picture]:
        """Draw dimensions per feature, and every feature's dimensionality."""
        beside = "beside it two measures that do not depend on the scale of W"
        if end is not None:
            beside += ". Dotted: trained to the end, where the loss is less by as much as is shown"
        yield self.picture(
            evidence.stem,
            dimensions_figure(evidence.results, None if end is None else end.results),
            "Dimensions per feature, total dimensionality and number of represented features "
            "against 1/(1-S)",
            "Dimensions per feature along sparsity, with the article's published curves pale "
            f"behind; {beside}.",
        )
        yield self.picture(
            evidence.stem.replace("dimensions", "dimensionality"),
            dimensionality_figure(evidence.results),
            "Scatter of the dimensionality of every feature against 1/(1-S), a panel for each "
            "activation",
            "Every feature's dimensionality. Lines mark regular arrangements: alone 1, tetrahedron "
            "3/4, triangle 2/3, antipodal pair 1/2, pentagon 2/5, square antiprism 3/8, and 1/4.",
        )

    def joint(self, evidence: Evidence, end: Evidence | None) -> Iterator[Picture]:
        """Draw the figures that show all activations of a sweep together.

        Args:
            evidence: the sweep.
            end: of the same models trained to the end, if there is that.
        """
        results = evidence.results
        if evidence.kind == "phase_diagram":
            names = ", ".join(activation_name(name) for name in evidence.activations)
            yield self.picture(
                evidence.stem.replace("phase_diagram", "phases"),
                phase_figure(results),
                f"Phase diagrams over density and relative importance, a panel each for {names}",
                f"What becomes of the extra feature of {diagram_in(results).title}, the best of "
                "the seeds; lines are the boundaries of the optimum.",
            )
            if "seed" in results.dims:
                yield self.picture(
                    evidence.stem.replace("phase_diagram", "phases-of-seeds"),
                    phase_seeds_figure(results),
                    f"Share of seeds in each phase, a panel each for {names}",
                    f"Where {results.sizes['seed']} seeds end: the mixture of the phases' colours "
                    "is that of the seeds. A single seed is one drawing from it.",
                )
            if "optimum_phase" in results:
                yield from self.optimum(evidence, names)
            yield self.picture(
                evidence.stem.replace("phase_diagram", "phase-shares"),
                phase_share_figure(results),
                f"Continuous phase diagrams of {names}: hue shows the extra feature's share",
                "The same without thresholds: hue for the extra feature's share of the "
                "squared weights, lightness for interference.",
            )
        elif evidence.kind == "dimensions":
            yield from self.dimensions(evidence, end)
        elif evidence.kind == "bottleneck_sizes":
            yield self.picture(
                evidence.stem,
                gram_gallery(results),
                "Gram matrices along sparsity, of models with several numbers of features",
                f"WᵀW of several numbers of features in {results.sizes['hidden']} dimensions, the "
                "best of the seeds: where there are fewer or more than two for each dimension, "
                "pairs are not all that there is room for.",
            )
        elif evidence.kind == "other":
            yield from self.others(evidence)

    def others(self, evidence: Evidence) -> Iterator[Picture]:
        """Draw models that are none of the article's experiments, and what becomes of them."""
        results = evidence.results
        if axis := curve_axis(results):
            yield self.picture(
                f"along-{file_name(axis)}-{evidence.stem}",
                along_figure(results, axis),
                f"Measures of the models in {evidence.path.name} along {axis}",
                f"What becomes of these models along {axis}.",
            )
        if results.sizes["feature"] <= LARGEST_HEATMAP:
            yield self.picture(
                f"gram-{evidence.stem}",
                gram_figure(results),
                f"Gram matrices of the models in {evidence.path.name}",
                "WᵀW of these models.",
            )
