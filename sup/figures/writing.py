"""How figures become files: the same bytes of the same results, and all letters within."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.figure import Figure

from sup.config.drawing import FORMATS
from sup.system.files import replacing

PRINTED = 300
"""Dots an inch of what is no line and no letter in SVG and PDF, such as a ``W^T W``."""

WITHOUT_DATE = {"svg": {"Date": None}, "pdf": {"CreationDate": None}}

LETTERS: dict[Any, Any] = {"pdf.fonttype": 42, "ps.fonttype": 42, "svg.fonttype": "path"}
"""TrueType, which journals take, instead of matplotlib's Type 3; in SVG, outlines."""


def write(figure: Figure, path: str | Path, dpi: int | float = 110) -> Path:
    """Write a figure as what its path's ending says, making its folder where there is none.

    PDF has its fonts embedded, as TrueType, and SVG has letters as outlines: both look alike
    everywhere. What has millions of cells is a picture within them, of `PRINTED` dots an inch.

    Args:
        figure: any figure of `sup.figures`, or another of matplotlib's.
        path: ends in .png, .svg or .pdf.
        dpi: dots an inch of a PNG.

    Returns:
        The path.

    Raises:
        ValueError: where it has another ending.
    """
    path = Path(path)
    kind = path.suffix[1:].lower()
    if kind not in FORMATS:
        endings = ", ".join(f".{one}" for one in FORMATS)
        raise ValueError(f"path={path}: must end in one of {endings}")
    how: dict[str, Any] = {"dpi": PRINTED, "metadata": WITHOUT_DATE.get(kind)}
    if kind == "png":
        # Packed tightest, a figure would take as long again, for a tenth of its bytes.
        how = {"dpi": dpi, "pil_kwargs": {"compress_level": 1}}
    path.parent.mkdir(parents=True, exist_ok=True)
    with mpl.rc_context({**LETTERS, "svg.hashsalt": path.stem}), replacing(path) as unfinished:
        figure.savefig(unfinished, format=kind, **how)
    return path


def write_each(
    figure: Figure, folder: Path, name: str, formats: Sequence[str], dpi: int | float = 110
) -> list[Path]:
    """Write a figure in some formats into a folder, and return their paths."""
    return [write(figure, folder / f"{name}.{kind}", dpi) for kind in formats]
