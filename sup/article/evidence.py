"""The results that a report is made from, sorted by what they are results of."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import xarray as xr

from sup.analysis.experiment import experiment_of
from sup.figures.style import activations_in, of_activation
from sup.results.finding import homes, named
from sup.results.joining import load_sweep


@dataclass(frozen=True)
class Evidence:
    """One sweep or run.

    Args:
        path: where its results lie.
        results: all its runs, joined.
        number: how many of its kind stand before it.
    """

    path: Path
    results: xr.Dataset
    number: int = 0

    @property
    def kind(self) -> str:
        """What its shape makes it; see `sup.analysis.experiment`."""
        return experiment_of(self.results)

    @property
    def role(self) -> str:
        """Its kind, but dimensions_converged where the learning rate was taken down to zero."""
        scheduler = str(self.results["scheduler"].values) if "scheduler" in self.results else ""
        to_the_end = self.kind == "dimensions" and scheduler == "cosine"
        return "dimensions_converged" if to_the_end else self.kind

    @property
    def stem(self) -> str:
        """What its figures' names begin with."""
        return self.kind + (f"-{self.number}" if self.number else "")

    @property
    def is_articles(self) -> bool:
        """Whether its models are those of the article's experiment: other ones decide no claim."""
        sizes = (self.results.sizes["feature"], self.results.sizes["hidden"])
        importance = str(self.results["importance"].values)
        asked = PLAIN | RECIPE.get(self.role, {})
        has = {name: self.results[name] for name in asked if name in self.results.coords}
        is_plain = all(one.ndim == 0 and one.item() == asked[name] for name, one in has.items())
        return is_plain and ARTICLE.get(self.kind) == (*sizes, importance)

    @property
    def shortfall(self) -> str:
        """What the article's experiment has more of, such as 2,000 of 10,000 steps; "" if nothing.

        Verdicts on models that were trained for less, or on fewer of them, are to be read with it.
        """
        said = []
        for name, full in FULL[self.role].items():
            held = self.results[name] if name in self.results.coords else None
            if held is not None and name == "steps":
                count = int(held.min())
            else:
                count = 1 if held is None else held.size
            if count < full:
                words = name.replace("importance_", "").replace("_", " ")
                words = {"seed": "seeds", "sparsity": "sparsities", "ratio": "ratios"}.get(
                    words, words
                )
                said.append(f"{count:,} of {full:,} {words}")
        return ", ".join(said)

    @property
    def activations(self) -> list[str]:
        """Its activations."""
        return activations_in(self.results)

    def of(self, activation: str) -> xr.Dataset | None:
        """Return one activation's results, if it is there."""
        here = activation in self.activations
        return of_activation(self.results, activation) if here else None

    @property
    def wall_time(self) -> str:
        """How long its training took."""
        seconds = self.results.attrs.get("wall_time")
        if seconds is None:
            return "of several stacks"
        return f"{seconds:,.0f} s" if seconds >= 10 else f"{seconds:.1g} s"

    @property
    def settings(self) -> dict[str, str]:
        """Numbers and names that are the same for all its models."""
        scalars = [name for name in SHOWN if name in self.results.coords]
        return {name: _listed(self.results[name].values) for name in scalars}

    @property
    def versions(self) -> dict[str, str]:
        """The versions it was made with."""
        return json.loads(self.results.attrs.get("versions", "{}"))


ARTICLE = {
    "bottleneck": (10, 5, "geometric"),
    "bottleneck_sizes": (12, 5, "geometric"),
    "phase_diagram": (2, 1, "relative"),
    "dimensions": (200, 20, "uniform"),
}
"""Features (the most), hidden dimensions and importance of the experiments that decide claims."""

PLAIN = {"features": "independent", "magnitude": "unit", "model": "plain"}
"""The data and the architecture of its models."""

RECIPE = {"dimensions": {"optimizer": "adamw", "scheduler": "constant"}}
"""How they are trained, where a claim is about where training ends."""

FULL = {
    "bottleneck": {"steps": 10_000, "sparsity": 10, "seed": 8},
    "bottleneck_sizes": {"steps": 10_000, "sparsity": 4, "seed": 8},
    "phase_diagram": {"steps": 2_000, "sparsity": 51, "importance_ratio": 51, "seed": 16},
    "dimensions": {"steps": 10_000, "sparsity": 20, "seed": 3},
    "dimensions_converged": {"steps": 20_000, "sparsity": 8, "seed": 1},
}
"""Steps, and how many values of each axis, the experiments have."""

SHOWN = (
    *("activation", "n_features", "n_hidden", "importance", "steps", "batch_size"),
    *("optimizer", "optimizer_lr", "optimizer_weight_decay", "scheduler", "init", "seed"),
)


def _listed(values: np.ndarray) -> str:
    distinct = dict.fromkeys(np.ravel(values).tolist())
    return ", ".join(f"{one:g}" if isinstance(one, float) else str(one) for one in distinct)


class NotMeasuredError(Exception):
    """The results lack what a claim is about, such as an activation; the message says what."""


def own(evidence: Evidence, activation: str) -> xr.Dataset:
    """Return one activation's results, sparsities in rising order.

    Raises:
        NotMeasuredError: where there are none.
    """
    found = evidence.of(activation)
    if found is None:
        raise NotMeasuredError(f"results of the activation {activation}")
    return found.sortby("sparsity")


def seeds_of(results: xr.Dataset) -> list[xr.Dataset]:
    """Return the results of each seed; all of them, where there is one."""
    one_each = (
        [results]
        if "seed" not in results.dims
        else [results.isel(seed=k) for k in range(results.sizes["seed"])]
    )
    return [one.transpose("sparsity", ...) if "sparsity" in one.dims else one for one in one_each]


def gather(paths: Sequence[Path]) -> list[Evidence]:
    """Load every sweep and run below the given paths, each sweep joined.

    Raises:
        FileNotFoundError: where there are no results.
        SettingError: where some cannot be read; it says which.
    """
    evidence: list[Evidence] = []
    for home in homes(paths):
        with named(home):
            one = Evidence(home, load_sweep(home))
            before = sum(other.kind == one.kind for other in evidence)
        evidence.append(replace(one, number=before))
    return evidence
