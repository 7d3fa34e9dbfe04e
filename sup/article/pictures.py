"""The figures of a report, drawn from evidence and written beside it."""

import base64
import io
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import xarray as xr
from matplotlib.figure import Figure

from sup.analysis.varimax import leading_share, varimax
from sup.article.evidence import Evidence
from sup.figures import basics
from sup.figures.animation import gram_animation, write_gif
from sup.figures.features import neuron_figure, raw_neuron_figure
from sup.figures.gram import along_sparsity_figure, pair_figure
from sup.figures.labels import sparsity_label
from sup.figures.large import MOST_DIMENSIONS
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
        label = sparsity_label(sparsity)
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
            label = sparsity_label(sparse["sparsity"].item())
            alt = f"Animation of the Gram matrix of {name} over training at {label}"
            caption = f"WᵀW over training at {label}; frames are log-spaced in steps."
            pictures.append(self.animation(f"{stem}-training-animation", sparse, alt, caption))
        return Section(name, frames, pictures)
