"""Writes the page: the template with Plotly, the page's own files and the payload put into it.

Plotly draws because it has what is wanted here, values under the pointer, redrawing in place and
colours that can be changed, and its Python package brings the JavaScript as a file.
"""

import json
import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import jinja2
import xarray as xr
from plotly.offline import get_plotlyjs

from sup.explore.fitting import fitted, need
from sup.explore.functions import Functions
from sup.explore.packing import MOST_TEXT, shares
from sup.explore.payload import payload
from sup.results.finding import beside, homes, named
from sup.results.joining import load_sweep
from sup.system.files import replacing
from sup.system.stages import stage

log = logging.getLogger(__name__)

FILE = "explorer.html"

HERE = Path(__file__).parent

SCRIPTS = (
    *("numbers.js", "model.js", "results.js", "figures.js", "drawing.js", "views.js"),
    *("controls.js", "explorer.js"),
)
"""In the order in which they build on each other."""


def explore(paths: Sequence[Path], output: Path | None = None) -> Path:
    """Write a page to look into all results below some paths.

    Args:
        paths: runs, sweeps, or directories of them.
        output: the HTML file; by default `explorer.html` in the first of these.

    Raises:
        FileNotFoundError: where there are no results below a path.
        SettingError: where some cannot be read or shown; it says which.
    """
    found = {}
    with stage(log, "reading results"):
        for home in homes(paths):
            with named(home):
                found[home] = load_sweep(home)
    with stage(log, "writing the page"):
        return write_page(by_name(found), output or beside(paths, FILE))


def by_name(found: Mapping[Path, xr.Dataset]) -> dict[str, xr.Dataset]:
    """Return results by what they are called where one is chosen: their directories' names.

    Args:
        found: results by their directories.
    """
    names: dict[str, xr.Dataset] = {}
    for home, results in found.items():
        name = home.name or "results"
        names[name if name not in names else str(home)] = results
    return names


def write_page(results: Mapping[str, xr.Dataset], output: Path) -> Path:
    """Write a page to look into some results; see `page_of`.

    Args:
        results: any, by the names under which they can be chosen.
        output: the HTML file.
    """
    page = page_of(results)
    output.parent.mkdir(parents=True, exist_ok=True)
    with replacing(output) as unfinished:
        unfinished.write_text(page, encoding="utf-8")
    return output


def page_of(results: Mapping[str, xr.Dataset]) -> str:
    """Return a page to look into some results: HTML that asks for nothing outside of itself.

    Args:
        results: any, by the names under which they can be chosen.

    Raises:
        SettingError: where some cannot be shown; it says which.
    """
    functions = Functions()
    held = []
    for name, one in results.items():
        with named(Path(name)):
            held.append(payload(name, one, functions))
    needs = [need(one, own) for one, own in zip(results.values(), held, strict=True)]
    budgets = zip(results.values(), held, shares(needs, MOST_TEXT), strict=True)
    held = [fitted(one, own, budget, functions) for one, own, budget in budgets]
    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined)
    return environment.from_string(_own("template.html")).render(
        title=", ".join(results),
        style=_own("style.css"),
        plotly=get_plotlyjs(),
        scripts="\n".join(map(_own, SCRIPTS)),
        functions=",\n".join(functions.sources),
        payload=as_json({"reasons": functions.reasons, "results": held}),
    )


def as_json(value: Any) -> str:
    """Return JSON that can stand in a script: nothing in it ends or opens an element."""
    text = json.dumps(value, allow_nan=False, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _own(name: str) -> str:
    return (HERE / name).read_text("utf-8")
