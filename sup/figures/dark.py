"""Figures on dark pages and slides: what is ink and paper changes places, and hues stay.

A colour bar paints itself, and Matplotlib says only in a private part which axes have one
(`_colorbar`; read: 3.10, 3.11).
"""

from typing import Any

import matplotlib as mpl
import numpy as np
from jaxtyping import Float
from matplotlib.artist import Artist
from matplotlib.cm import ScalarMappable
from matplotlib.collections import Collection
from matplotlib.colors import Colormap, ListedColormap, to_hex, to_rgba_array
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.patheffects import withStroke
from matplotlib.text import Text

from sup.figures.style import GRAM_COLOURS

PAPER, INK = 0.11, 0.93
"""Greys that white and black become."""

GREY = 0.06
"""Between the channels of a colour, up to which it is a grey."""

LIFTED, GAMMA = 0.35, 2.2
"""How far hues are brought to their brightest: viridis' purple is told from the paper, and its
colours keep the order of their lightness, as far as can be seen."""

INSTEAD = {GRAM_COLOURS: "berlin", "Greys": "Greys_r"}
"""Scales of colours in which white is nothing, and those in which black is."""

Colours = Float[np.ndarray, "*places rgba"]


def on_dark(figure: Figure) -> Figure:
    """Recolour a figure for a dark background, which shows through it, and return it.

    Blacks and greys are turned around; hues are lightened a little, so that what was dark is seen,
    and keep their order; where blue and red met in white, they meet in black.

    Args:
        figure: any figure of `sup.figures`; it is changed.
    """
    bars: list[Any] = [bar for axes in figure.axes if (bar := getattr(axes, "_colorbar", None))]
    painted = {id(bar.solids) for bar in bars}
    for artist in figure.findobj(lambda one: id(one) not in painted):
        _recolour(artist)
    for bar in bars:  # paints itself anew, its ends too
        ticks = bar.locator, bar.minorlocator
        bar.mappable.set_cmap(scale_on_dark(bar.mappable.get_cmap()))
        bar.locator, bar.minorlocator = ticks
        bar.outline.set_edgecolor(_one("black"))
    for axes in figure.axes:  # ticks are made again whenever a figure is drawn
        ink, lines = _one("black"), _one(mpl.rcParams["grid.color"])
        axes.tick_params(which="both", color=ink, labelcolor=ink, grid_color=lines)
    figure.patch.set_alpha(0)
    return figure


def _one(colour: Any) -> str:
    """Turn one colour."""
    return to_hex(turned(to_rgba_array(colour))[0], keep_alpha=True)


def lifted(colours: Colours) -> Colours:
    """Bring colours nearer to the brightest of their hue and saturation, as light mixes."""
    linear = np.power(colours[..., :3], GAMMA)
    most = linear.max(-1, keepdims=True)
    brightest = np.divide(linear, most, out=np.zeros_like(linear), where=most > 0)
    light = np.power(linear + LIFTED * (brightest - linear), 1 / GAMMA)
    return np.concatenate([light, colours[..., 3:]], axis=-1)


def turned(colours: Colours) -> Colours:
    """Turn greys around, and lighten hues."""
    rgb = colours[..., :3]
    is_grey = np.ptp(rgb, axis=-1, keepdims=True) <= GREY
    greys = INK + (PAPER - INK) * np.broadcast_to(rgb.mean(-1, keepdims=True), rgb.shape)
    hues = lifted(colours)
    return np.concatenate([np.where(is_grey, greys, hues[..., :3]), colours[..., 3:]], axis=-1)


def scale_on_dark(scale: Colormap) -> Colormap:
    """Return the scale of colours that stands for another on a dark background."""
    if scale.name in INSTEAD:
        return mpl.colormaps[INSTEAD[scale.name]]
    inner = to_rgba_array(scale(np.arange(scale.N)))
    is_classes = scale.N < 20  # few, each of a meaning, some of them grey
    ends = {"under": scale.get_under(), "over": scale.get_over(), "bad": (0, 0, 0, 0)}
    how = turned if is_classes else lifted
    made = ListedColormap(how(inner), name=f"{scale.name} on dark")
    held = {key: how(to_rgba_array(one))[0] for key, one in ends.items()}
    return made.with_extremes(**held)


def _recolour(artist: Artist) -> None:
    if isinstance(artist, Text):
        artist.set_color(_one(artist.get_color()))
        if box := artist.get_bbox_patch():  # which is none of the figure's artists
            _turn(box, "facecolor", "edgecolor")
    elif isinstance(artist, Line2D):
        _turn(artist, "markerfacecolor", "markeredgecolor", "color")
    elif isinstance(artist, (Patch, Collection)) and not _is_scaled(artist):
        _turn(artist, "facecolor", "edgecolor")
    elif isinstance(artist, (AxesImage, Collection)):
        _rescale(artist)
    if artist.get_path_effects():
        paper = str(PAPER)
        artist.set_path_effects([withStroke(linewidth=2.4, foreground=paper)])


def _is_scaled(artist: Artist) -> bool:
    return isinstance(artist, ScalarMappable) and artist.get_array() is not None


def _turn(artist: Any, *names: str) -> None:
    """Turn some of an artist's colours, each of them one, or one for each part of a collection."""
    held = {name: getattr(artist, f"get_{name}")() for name in names}  # one may follow another
    for name, colours in held.items():
        if not (isinstance(colours, str) and colours == "none"):
            new = turned(to_rgba_array(colours))
            getattr(artist, f"set_{name}")(
                new if isinstance(artist, Collection) else to_hex(new[0], True)
            )


def _rescale(artist: Any) -> None:
    """Give an image, or a mesh, the scale for a dark background, or lighter colours of its own."""
    values = artist.get_array()
    if np.ndim(values) == 3:
        whole = np.asarray(values, dtype=float)
        alpha = np.ones((*whole.shape[:2], 4 - whole.shape[2]))
        colours = lifted(np.concatenate([whole, alpha], axis=-1))
        artist.set_array(colours)
    else:
        artist.set_cmap(scale_on_dark(artist.get_cmap()))
