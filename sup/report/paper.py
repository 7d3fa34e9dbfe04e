"""What a report says of the article: its claims, its curve, and the optimum beside training."""

from typing import Any

from sup.analysis import published
from sup.analysis.diagrams import agreement
from sup.analysis.gaps import GapSummary, gap_summary
from sup.article.claims import CLAIMS, Verdict, judge
from sup.article.evidence import Evidence
from sup.article.over_densities import by_seed
from sup.figures.style import activation_name, best_seed

STYLES = {
    "holds": "holds",
    "does not hold": "not",
    "depends": "depends",
    "undecided": "depends",
}

FIGURES = {
    "C1": ("bottleneck", "{}-linear-gram"),
    "C2": ("bottleneck_sizes", "{}"),
    "C4": ("bottleneck", "{}-gelu-neurons"),
    "C6": ("bottleneck", "{}-sigmoid-neurons"),
    "C8": ("bottleneck", "{}-tanh-gram"),
    "C9": ("bottleneck", "{}-solu-gram"),
    "C10": ("dimensions", "{}"),
}
"""The figure that shows what decides a claim: of which experiment, and its name by that one's."""

PHASES = ("phase_diagram", "{}")
"""The same for the other claims."""

NEEDED = {name for claim in CLAIMS for name in claim.needs}
"""The experiments that decide the claims."""


def is_whole(by_role: dict[str, Evidence]) -> bool:
    """Tell whether results are of all the article's experiments."""
    return set(by_role) >= NEEDED


def verdicts(by_role: dict[str, Evidence]) -> list[dict[str, Any]]:
    """Judge the claims that results decide; of the whole article, say of the others why not."""
    found = [judge(claim, by_role) for claim in CLAIMS]
    return [_row(verdict, by_role) for verdict in found if verdict.parts or is_whole(by_role)]


def _row(verdict: Verdict, by_role: dict[str, Evidence]) -> dict[str, Any]:
    short = {name: by_role[name].shortfall for name in verdict.claim.needs if name in by_role}
    return {
        **vars(verdict),
        "style": STYLES.get(verdict.word, ""),
        "optimum_style": STYLES.get(verdict.optimum, ""),
        "figure": _figure(verdict, by_role),
        "short": "; ".join(f"{name}: {less}" for name, less in short.items() if less)
        if verdict.parts
        else "",
    }


def _figure(verdict: Verdict, by_role: dict[str, Evidence]) -> str:
    """Return the name of the figure that shows what decides a claim; "" where nothing does."""
    experiment, name = FIGURES.get(verdict.claim.name, PHASES)
    if not verdict.parts:
        return ""
    return name.format(by_role[experiment].stem).replace("phase_diagram", "phases")


def comparison(by_role: dict[str, Evidence]) -> dict[str, Any] | None:
    """Put our D* beside the published one, at the sparsities of both; None where there are none."""
    if "dimensions" not in by_role:
        return None
    both = published.compared(by_role["dimensions"].results)
    if not both.sizes["inverse_density"] or not both.sizes["activation"]:
        return None
    names = [str(name) for name in both["activation"].values]
    names.sort(key=lambda name: name == published.OVER_INSTANCES)  # apart, at the right
    rows = []
    for at in range(both.sizes["inverse_density"]):
        point = both.isel(inverse_density=at)
        cells = [
            {
                "ours": f"{point['ours'].sel(activation=name).item():.4f}",
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
        "names": [activation_name(name) for name in names],
        "rows": rows,
        "largest": largest,
        "solu_reason": published.SOLU_APART if published.OVER_INSTANCES in names else "",
    }


def theory(evidence: Evidence) -> list[dict[str, Any]]:
    """Compare trained phase diagrams with those of the optimum, activation by activation."""
    rows: list[dict[str, Any]] = []
    if evidence.is_articles and {"optimum_phase", "loss_gap"} <= set(evidence.results):
        for name in evidence.activations:
            own = evidence.of(name)
            assert own is not None
            best = best_seed(own)
            of_each = (by_seed(own["loss_gap"]), best["loss_gap"].values[None])
            gaps = map(gap_summary, of_each)
            phases = [(f"{share:.1%}", "") for share in agreement(best)]
            cells = [*phases, *(cell for gap in gaps for cell in written(gap))]
            rows.append({"name": activation_name(name), "cells": cells})
    return rows


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
