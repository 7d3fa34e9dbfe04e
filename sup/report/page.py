"""Puts pictures, tables, verdicts and the explorer of results into one self-contained page."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jinja2
import numpy as np

from sup.analysis.axes import axes_of
from sup.article.evidence import Evidence, gather
from sup.config.rules import SettingError
from sup.explore.page import by_name, page_of
from sup.figures.basics import activations_figure, inputs_figure
from sup.figures.style import activation_name
from sup.model.activations import Activation
from sup.report import paper
from sup.report.models import Table, again, swept, table
from sup.report.of_activations import of_activation
from sup.report.pictures import Wanted, pictures
from sup.report.wanted import together
from sup.report.words import plain_name
from sup.results.finding import beside, named
from sup.results.loading import load_model
from sup.system.files import replacing
from sup.system.processes import cores
from sup.system.stages import stage

log = logging.getLogger(__name__)

FILE = "report.html"

ARTICLE = "Activation functions and superposition in toy models"
"""The title of a report on all the article's experiments."""

TITLES = {
    "bottleneck": "Along sparsity",
    "bottleneck_sizes": "Numbers of features",
    "phase_diagram": "Phase diagrams",
    "dimensions": "Dimensions per feature",
    "dimensions_converged": "Dimensions per feature, trained to the end",
    "families": "Families of activations",
    "other": "Models",
}
"""What a chapter is called, by what its results are results of."""

HERE = Path(__file__).parent


@dataclass(frozen=True)
class Section:
    """Some pictures of a chapter, under a title of their own if it is not ""."""

    anchor: str
    title: str
    pictures: list[Wanted]


@dataclass(frozen=True)
class Chapter:
    """What a report says of one sweep or run.

    Args:
        anchor: its place in the page.
        title: what its results are results of, and where they lie.
        count: how many models it has.
        swept: its axes and their values, in words.
        sections: its pictures.
        optimum: how far each activation is from it, where that is known of phase diagrams.
        table: its models, with what they come to.
        again: commands that train them again, and read them.
        source: how they were made, in words.
    """

    anchor: str
    title: str
    count: str
    swept: list[tuple[str, str]]
    sections: list[Section]
    optimum: list[dict[str, Any]]
    table: Table
    again: list[str]
    source: dict[str, str]


def report(paths: Sequence[Path], output: Path | None = None) -> Path:
    """Write a report on all results below some paths.

    Of all the article's experiments it is the article's, with its claims. The pictures are written
    as PNG and SVG into a folder beside the page, which holds them as well.

    Args:
        paths: runs, sweeps, or directories of them.
        output: the HTML file; by default `report.html` in the first of these.

    Raises:
        FileNotFoundError: where there are no results below a path.
        SettingError: where some cannot be read or shown; it says which.
    """
    with stage(log, "reading results"):
        evidence = gather(paths)
    output = output or beside(paths, FILE)
    by_role: dict[str, Evidence] = {}
    for one in evidence:
        if one.is_articles:
            by_role.setdefault(one.role, one)
    introduction = introducing(evidence, paper.is_whole(by_role))
    chapters = [chapter(one, by_role) for one in evidence if not is_shown_elsewhere(one, by_role)]
    sections = [section for one in chapters for section in one.sections]
    wanted = [*introduction, *(picture for section in sections for picture in section.pictures)]
    output.parent.mkdir(parents=True, exist_ok=True)
    drawn = pictures(wanted, output.with_name(f"{output.stem}_figures"), cores())
    with stage(log, "judging claims, and writing the page"):
        environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined)
        page = environment.from_string(_own("template.html")).render(
            title=ARTICLE if paper.is_whole(by_role) else title(evidence),
            is_article=paper.is_whole(by_role),
            is_plain=all(is_plain(one) for one in evidence),
            style=_own("style.css"),
            script=_own("report.js"),
            drawn=drawn,
            introduction=introduction,
            chapters=chapters,
            verdicts=paper.verdicts(by_role),
            comparison=paper.comparison(by_role),
            explorer=page_of(by_name({one.path: one.results for one in evidence})),
        )
    with replacing(output) as unfinished:
        unfinished.write_text(page, encoding="utf-8")
    return output


def title(evidence: Sequence[Evidence]) -> str:
    """Return what a report is called: by what was swept, or the models' activation."""
    names = dict.fromkeys(activation_name(name) for one in evidence for name in one.activations)
    along = dict.fromkeys(plain_name(axis) for one in evidence for axis in axes_of(one.results))
    along.pop("activation", None)
    over = f" along {', '.join(along)}" if along else ""
    return f"Superposition of {', '.join(names)}{over}"


def is_plain(one: Evidence) -> bool:
    """Tell whether all models are the plain autoencoder, whose decoder is its encoder."""
    return "model" not in one.results.coords or bool((one.results["model"] == "plain").all())


def is_shown_elsewhere(one: Evidence, by_role: dict[str, Evidence]) -> bool:
    """Tell whether results are drawn into others' figures: what was trained to the end."""
    return "dimensions" in by_role and one is by_role.get("dimensions_converged")


def introducing(evidence: Sequence[Evidence], is_article: bool) -> list[Wanted]:
    """Return the pictures of what is applied, and in the article's report of what goes in.

    Of the activations that were trained those are drawn whose function is known.
    """
    functions: dict[str, Activation] = {}
    for one in evidence:
        for name in one.activations:
            if name not in functions and (function := function_of(one, name)):
                functions[name] = function
    inputs = Wanted(
        "inputs",
        inputs_figure,
        (),
        "Two batches of inputs as grey cells: about half present at S = 0.5, one in a hundred at "
        "S = 0.99",
        "Two batches of inputs, 100 samples of 20 features. A feature is zero with probability S, "
        "else uniform on [0, 1].",
    )
    shown = [inputs] if is_article else []
    if not functions:
        return shown
    mixing = " SoLU mixes features: it is drawn for the first of ten, the others at zero."
    names = ", ".join(activation_name(name) for name in functions)
    applied = Wanted(
        "activations",
        activations_figure,
        (functions,),
        f"The activation functions {names} and their slopes between -4 and 4",
        f"The activation functions and their slopes.{mixing if 'solu' in functions else ''}",
    )
    return [*shown, applied]


def function_of(evidence: Evidence, name: str) -> Activation | None:
    """Return an activation by its name in results; None where they do not say what it is.

    Of several with that name, such as a family along its parameter, the first.
    """
    own = evidence.of(name)
    assert own is not None
    axes = axes_of(own)
    there = np.argwhere(np.isfinite(own["W"].transpose(*axes, ...).values).all((-2, -1)))
    if not len(there):
        return None
    try:
        ((activation, _),) = load_model(
            own.isel(dict(zip(axes, there[0], strict=True)))
        ).activations
    except SettingError:  # of a user's own code, which what a file names is not run for
        return None
    return activation


def chapter(one: Evidence, by_role: dict[str, Evidence]) -> Chapter:
    """Return what a report says of one sweep or run."""
    end = by_role.get("dimensions_converged") if one is by_role.get("dimensions") else None
    with named(one.path):
        found = [Section("", "", list(together(one, end)))]
        if one.kind == "bottleneck":
            found += [
                Section(f"{one.stem}-{name}", activation_name(name), list(of_activation(one, name)))
                for name in one.activations
            ]
        return Chapter(
            one.stem + "-chapter",
            f"{TITLES[one.role]}: {one.path.name}",
            f"{one.results['loss'].size:,}",
            swept(one.results),
            found,
            paper.theory(one) if one.role == "phase_diagram" else [],
            table(one.results),
            again(one),
            source(one),
        )


def source(evidence: Evidence) -> dict[str, str]:
    """Say how results were made."""
    results, versions = evidence.results, evidence.versions
    return {
        "settings": "; ".join(
            f"{plain_name(name)} {value}" for name, value in evidence.settings.items()
        ),
        "device": str(results.attrs.get("device", "several")),
        "wall time of the training": evidence.wall_time,
        "versions": ", ".join(f"{name} {one}" for name, one in versions.items()) or "several",
        "where": str(evidence.path),
    }


def _own(name: str) -> str:
    return (HERE / name).read_text("utf-8")
