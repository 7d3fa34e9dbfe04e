"""Puts evidence, figures, tables and verdicts into one self-contained HTML page."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import jinja2

from sup.analysis import published
from sup.analysis.diagrams import agreement
from sup.analysis.gaps import GapSummary, gap_summary
from sup.article.claims import CLAIMS, judge
from sup.article.evidence import Evidence, gather
from sup.article.joint import joint
from sup.article.over_densities import by_seed
from sup.article.pictures import Gallery, Picture
from sup.figures.style import activation_name, best_seed
from sup.results.finding import named
from sup.system.files import replacing

TITLE = "Activation functions and superposition in toy models"
TEMPLATE = Path(__file__).parent / "template.html"
STYLES = {
    "holds": "holds",
    "does not hold": "not",
    "depends": "depends",
    "undecided": "depends",
}


def write_report(paths: Sequence[Path], output: Path, note: str = "") -> Path:
    """Write a report on all results below some paths.

    Figures are written as PNG and SVG into `figures/` beside the page, which holds them as well.

    Args:
        paths: directories of runs, of sweeps, or of several of them.
        output: the HTML file.
        note: a sentence that stands at its beginning.

    Raises:
        FileNotFoundError: where there are no results below a path.
        SettingError: where some cannot be read or shown; it says which.
    """
    evidence = gather(paths)
    gallery = Gallery(output.parent / "figures")
    by_role: dict[str, Evidence] = {}
    for one in evidence:
        if one.is_articles:
            by_role.setdefault(one.role, one)
    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined)
    page = environment.from_string(TEMPLATE.read_text("utf-8")).render(
        title=TITLE,
        note=note,
        introduction=gallery.introduction(),
        sections=sections(gallery, evidence),
        joint=[picture for one in evidence for picture in together(gallery, one, by_role)],
        sources=[source(one) for one in evidence],
        **verdicts(by_role),
        **comparison(by_role),
        **theory(by_role),
    )
    with replacing(output) as unfinished:
        unfinished.write_text(page, encoding="utf-8")
    return output


def together(gallery: Gallery, one: Evidence, by_role: dict[str, Evidence]) -> list[Picture]:
    """Draw the figures that show all activations of a sweep together.

    What was trained to the end is drawn into the figure of the article's recipe, and not again.
    """
    own, end = by_role.get("dimensions"), by_role.get("dimensions_converged")
    if own is not None and one is end:
        return []
    with named(one.path):
        return list(joint(gallery, one, end if one is own else None))


def sections(gallery: Gallery, evidence: Sequence[Evidence]) -> list[dict[str, Any]]:
    """Draw a section for each activation of each sweep along sparsity."""
    sweeps = [one for one in evidence if one.kind == "bottleneck"]
    found = []
    for number, one in enumerate(sweeps):
        for activation in one.activations:
            with named(one.path):
                section = gallery.activation_section(one, activation)
            suffix = f" ({one.path.name})" if len(sweeps) > 1 else ""
            found.append(
                {
                    "anchor": f"activation-{activation}" + (f"-{number}" if number else ""),
                    "title": section.title + suffix,
                    "frames": section.frames,
                    "pictures": section.pictures,
                }
            )
    return found


FIGURES = {
    "C1": "bottleneck-linear-gram",
    "C2": "bottleneck_sizes",
    "C4": "bottleneck-gelu-neurons",
    "C6": "bottleneck-sigmoid-neurons",
    "C8": "bottleneck-tanh-gram",
    "C9": "bottleneck-solu-gram",
    "C10": "dimensions",
}
"""The figure that shows what decides a claim; for the others, the phase diagrams."""


def verdicts(by_role: dict[str, Evidence]) -> dict[str, Any]:
    """Judge every claim."""
    rows = []
    for claim in CLAIMS:
        verdict = judge(claim, by_role)
        figure = FIGURES.get(claim.name, "phases") if verdict.parts else ""
        styles = {
            "style": STYLES.get(verdict.word, ""),
            "optimum_style": STYLES.get(verdict.optimum, ""),
        }
        rows.append({**vars(verdict), **styles, "figure": figure})
    return {"verdicts": rows}


def comparison(by_role: dict[str, Evidence]) -> dict[str, Any]:
    """Put our D* beside the published one."""
    nothing: dict[str, Any] = {
        "comparison": None,
        "interpolated": False,
        "largest": "",
        "solu_reason": "",
    }
    if "dimensions" not in by_role:
        return nothing
    results = by_role["dimensions"].results
    both = published.compared(results)
    names = [str(name) for name in both["activation"].values]
    names.sort(key=lambda name: name == published.OVER_INSTANCES)  # apart, at the right
    rows = []
    for at in range(both.sizes["inverse_density"]):
        point = both.isel(inverse_density=at)
        mark = "" if bool(point["measured"]) else "~"
        cells = [
            {
                "ours": f"{mark}{point['ours'].sel(activation=name).item():.4f}",
                "published": f"{point['published'].sel(activation=name).item():.4f}",
                "difference": f"{point['difference'].sel(activation=name).item():+.4f}",
            }
            for name in names
        ]
        rows.append({"at": f"{point['inverse_density'].item():.2f}", "cells": cells})
    worst = abs(both["difference"]).max("inverse_density")
    largest = ", ".join(
        f"{activation_name(name)} {worst.sel(activation=name).item():.4f}"
        for name in names
        if name != published.OVER_INSTANCES
    )
    return {
        "comparison": {"names": [activation_name(name) for name in names], "rows": rows},
        "interpolated": not bool(both["measured"].all()),
        "largest": largest,
        "solu_reason": published.SOLU_APART,
    }


def theory(by_role: dict[str, Evidence]) -> dict[str, Any]:
    """Compare the trained phase diagrams with those of the optimum, activation by activation."""
    evidence = by_role.get("phase_diagram")
    rows: list[dict[str, Any]] = []
    if evidence is not None and {"optimum_phase", "loss_gap"} <= set(evidence.results):
        for name in evidence.activations:
            own = evidence.of(name)
            assert own is not None
            best = best_seed(own)
            of_each = (by_seed(own["loss_gap"]), best["loss_gap"].values[None])
            gaps = map(gap_summary, of_each)
            phases = [(f"{share:.1%}", "") for share in agreement(best)]
            cells = [*phases, *(cell for gap in gaps for cell in written(gap))]
            rows.append({"name": activation_name(name), "cells": cells})
    return {"optimum": rows}


def written(gap: GapSummary | None) -> list[tuple[str, str]]:
    """Write median, 95th percentile and share above 1%, each with its interval or "".

    What rounding leaves below 0 is 0.
    """
    if gap is None:
        return 3 * [("", "")]
    low, high = gap.interval or (0.0, 0.0)
    interval = f"{low:.1%} to {high:.1%}" if gap.interval else ""
    quantiles = [(f"{x:.1e}" if x > 0 else "0", "") for x in (gap.median, gap.high)]
    return [*quantiles, (f"{gap.above:.1%}", interval)]


def source(evidence: Evidence) -> dict[str, str]:
    """Say what one sweep is and how it was made."""
    with named(evidence.path):
        versions = evidence.versions
    results = evidence.results
    axes = " x ".join(f"{size} {name}" for name, size in results["loss"].sizes.items())
    return {
        "title": f"{evidence.kind.replace('_', ' ')}: {evidence.path.name}",
        "models": f"{results['loss'].size:,}" + (f" ({axes})" if axes else ""),
        "settings": "; ".join(f"{name} {value}" for name, value in evidence.settings.items()),
        "device": str(results.attrs.get("device", "several")),
        "wall_time": evidence.wall_time,
        "versions": ", ".join(f"{name} {one}" for name, one in versions.items()) or "several",
    }
