"""What goes in and what is applied: input batches, activation functions."""

from collections.abc import Sequence

import torch
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure

from sup.figures.labels import sparsity_label
from sup.figures.style import activation_label, activation_style
from sup.model.activations import Activation
from sup.model.inputs import Draws, Inputs, Purpose


def inputs_figure(
    sparsities: Sequence[int | float] = (0.5, 0.99), features: int = 20, samples: int = 100
) -> Figure:
    """Draw a batch of inputs at each sparsity: a row a sample, a column a feature.

    Args:
        sparsities: S of each batch.
        features: n.
        samples: how many are drawn.
    """
    count = len(sparsities)
    rows = [[1 - sparsity] * features for sparsity in sparsities]
    density = torch.tensor(rows, dtype=torch.float64)
    inputs = Inputs(torch.zeros(count, dtype=torch.long), density, torch.arange(count))
    draws = Draws((0,), (features, samples), torch.device("cpu"))
    batches = inputs(draws.words(Purpose.EVALUATION, 0)).numpy()
    figure = Figure(figsize=(2.3 * count + 1.1, 4.2))
    axes = figure.subplots(1, count, sharey=True, squeeze=False)[0]
    figure.subplots_adjust(left=0.13, right=0.82, bottom=0.13, top=0.92, wspace=0.12)
    colours = ScalarMappable(Normalize(0, 1), "Greys")
    for axis, batch, sparsity in zip(axes, batches, sparsities, strict=True):
        axis.imshow(batch.T, cmap="Greys", vmin=0, vmax=1, aspect="auto", interpolation="nearest")
        present = float((batch > 0).mean())
        axis.set_title(f"{sparsity_label(sparsity)}: {present:.0%} present", fontsize=9)
        axis.tick_params(labelsize=8)
    figure.supxlabel("feature", fontsize=9)
    figure.supylabel("sample", fontsize=9)
    figure.colorbar(colours, cax=figure.add_axes((0.85, 0.5, 0.03, 0.42)), label="$x_i$")
    return figure


def activations_figure(activations: dict[str, Activation]) -> Figure:
    """Draw activation functions and their slopes.

    One that mixes features, as SoLU does, is drawn for the first of ten features with the others
    at zero.

    Args:
        activations: by name.
    """
    line = torch.linspace(-4, 4, 401, dtype=torch.float64)
    z = torch.zeros(1, 10, len(line), dtype=torch.float64)
    z[0, 0] = line
    figure = Figure(figsize=(8.4, 3.6))
    left, right = figure.subplots(1, 2)
    figure.subplots_adjust(left=0.06, right=0.84, bottom=0.13, top=0.91, wspace=0.18)
    for index, (name, activation) in enumerate(activations.items()):
        leaf = z.clone().requires_grad_()
        y = activation(leaf)[0, 0]
        (slope,) = torch.autograd.grad(y.sum(), leaf)
        colour = activation_style(name, index)["color"]
        dashes = {"solu": (4, 2), "silu": (5, 1, 1, 1)}.get(name, (None, None))
        x = line.numpy()
        for axis, values in ((left, y.detach()), (right, slope[0, 0])):
            axis.plot(x, values.numpy(), color=colour, dashes=dashes, label=activation_label(name))
    left.set_ylim(-1.3, 2.5)
    right.set_ylim(-0.3, 1.3)
    for axis, title in ((left, "$f(z)$"), (right, "slope $f'(z)$")):
        axis.axhline(0, color="0.8", lw=0.7, zorder=0)
        axis.set_title(title, fontsize=10)
        axis.set_xlabel("$z$")
        axis.grid(alpha=0.25)
        axis.tick_params(labelsize=8)
    right.legend(loc="center left", bbox_to_anchor=(1.02, 0.5), fontsize=9, frameon=False)
    return figure


def article_activations() -> dict[str, Activation]:
    """Return the article's seven activations by their keys."""
    from sup.model import activations

    kinds = ("Linear", "ReLU", "GELU", "SiLU", "Sigmoid", "Tanh", "SoLU")
    return {kind.lower(): getattr(activations, kind)() for kind in kinds}
