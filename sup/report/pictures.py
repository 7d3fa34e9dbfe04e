"""The pictures of a report: drawn by as many processes as there are, and written beside it."""

import base64
import io
import logging
import re
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import xarray as xr
from matplotlib.animation import FuncAnimation
from matplotlib.figure import Figure

from sup.figures.animation import write_gif
from sup.figures.dark import on_dark
from sup.figures.writing import write_each
from sup.results.finding import named
from sup.system.shared_work import shared
from sup.system.stages import stage

log = logging.getLogger(__name__)

DOTS = 150
"""Of a picture, an inch."""

FEW = 4
"""Pictures up to which no further process pays: when one has started, they are drawn."""


@dataclass(frozen=True)
class Wanted:
    """A picture that is to be drawn.

    Args:
        name: its file's, without ending; also its place in the page.
        figure: a function of a module that makes a figure or an animation.
        of: what it makes it of.
        alt: what it shows, for those who do not see it.
        caption: what is written below it.
        path: of the results that it shows, for errors; None: of none.
    """

    name: str
    figure: Callable[..., Figure | FuncAnimation]
    of: tuple[Any, ...]
    alt: str
    caption: str
    path: Path | None = None


@dataclass(frozen=True)
class Picture:
    """A picture as the page shows it: as `Wanted`, with data URIs for a light and a dark page."""

    name: str
    source: str
    dark: str
    alt: str
    caption: str


def pictures(wanted: Sequence[Wanted], folder: Path, processes: int) -> dict[str, Picture]:
    """Draw pictures, each once, as PNG and SVG, or GIF where they move.

    Args:
        wanted: which.
        folder: where the files are written.
        processes: how many may draw at once, this one among them.

    Returns:
        Each by the name under which it was wanted, in the same order.

    Raises:
        SettingError: for results that cannot be shown; it says which.
        BrokenProcessPool: where the system has ended a process that draws, for its memory, say.
    """
    others = 0 if len(wanted) <= FEW else processes - 1
    made: dict[int, tuple[str, str]] = {}
    pieces = [(one, folder) for one in wanted]
    with (
        stage(log, f"drawing {len(wanted)} pictures", len(wanted)) as advance,
        closing(shared(draw_one, pieces, others)) as drawn,
    ):
        for place, sources in drawn:
            made[place] = sources
            advance()
    return {
        one.name: Picture(file_name(one.name), *made[place], one.alt, one.caption)
        for place, one in enumerate(wanted)
    }


def draw_one(wanted: Wanted, folder: Path) -> tuple[str, str]:
    """Draw a picture, write it, and return it as data URIs, for a light page and for a dark one.

    What moves is the same on both: its second one is "".
    """
    name = file_name(wanted.name)
    with named(wanted.path or Path(name)):
        made = wanted.figure(*wanted.of)
        if isinstance(made, FuncAnimation):
            return data_uri(write_gif(made, folder / f"{name}.gif").read_bytes(), "gif"), ""
        png, _ = write_each(made, folder, name, ("png", "svg"), DOTS)
        dark = io.BytesIO()
        on_dark(made).savefig(dark, format="png", dpi=DOTS)
        return data_uri(png.read_bytes(), "png"), data_uri(dark.getvalue(), "png")


def data_uri(content: bytes, kind: str) -> str:
    """Return a file's content as a data URI."""
    return f"data:image/{kind};base64,{base64.b64encode(content).decode()}"


def file_name(name: str) -> str:
    """Return a name without what means something in a path: activations are called anything."""
    return re.sub(r"[^\w.-]", "-", name)


def final(results: xr.Dataset) -> xr.Dataset:
    """Return what is of trained models: what is along training is most of results' bytes."""
    return results.drop_dims(["step", "snapshot"], errors="ignore")
