"""The measurable parts of a claim: what was measured, what it must be, and how sure that is."""

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np

from sup.analysis.groups import TOGETHER
from sup.analysis.intervals import interval_of_mean, wilson
from sup.analysis.phases import SHARE
from sup.analysis.thresholds import NORM_THRESHOLD

HOLDS, FAILS, UNDECIDED = "holds", "does not hold", "undecided"

HALF, DOUBLE = 0.5, 2.0
"""By what a threshold is multiplied, to see whether it decides; of one near 1, its distance."""


def scaled(value: float | int, factor: float) -> float:
    """Return a threshold times a factor; of one near 1, what is left to 1 is multiplied."""
    return 1 - (1 - value) * factor if 0.5 < value < 1 else value * factor


@dataclass(frozen=True)
class Thresholds:
    """From where on things count, in the rules that decide claims; each is tried at other values.

    Args:
        strength: the squared norm from which a feature is strong.
        together: the ``|cos|`` from which two features belong together.
        shared: the ``1 - D_i`` from which others share a feature's dimension. Free of scale.
        explained: the ``R2_i`` from which something of a feature is reconstructed: below it, what
            its weights look like is of no consequence.
        opposite: the ``-cos`` from which two features are opposite; of a regular pentagon's it is
            .81 at best.
        sparse: the density below which phase diagrams are said to be sparse.
        dense: the density from which they are said to be dense.
        share: the least share of two features' squared weights with which each is represented.
    """

    strength: float = NORM_THRESHOLD**2
    together: float = TOGETHER
    shared: float = 0.1
    explained: float = 0.1
    opposite: float = 0.95
    sparse: float = 0.1
    dense: float = 0.85
    share: float = SHARE

    def at(self, name: str, factor: float) -> "Thresholds":
        """Return these with one of them times a factor."""
        changes: dict[str, Any] = {name: scaled(getattr(self, name), factor)}
        return replace(self, **changes)


NAMES = tuple(one.name for one in fields(Thresholds))
"""Of the thresholds."""


@dataclass(frozen=True)
class Limit:
    """What a number must be.

    Args:
        value: the limit itself.
        most: whether it is the most that is allowed, else the least.
    """

    value: float | int
    most: bool

    def __str__(self) -> str:
        return f"{'≤' if self.most else '≥'} {self.value:.3g}"

    def times(self, factor: float) -> "Limit":
        """Return the limit as a threshold times a factor."""
        return replace(self, value=scaled(self.value, factor))

    def met_by(self, values: np.ndarray) -> np.ndarray:
        """Tell which values are as they must be."""
        return values <= self.value if self.most else values >= self.value


def at_most(value: float | int) -> Limit:
    """Return a limit from above."""
    return Limit(value, most=True)


def at_least(value: float | int) -> Limit:
    """Return a limit from below."""
    return Limit(value, most=False)


@dataclass(frozen=True)
class Part:
    """A measurable part of a claim.

    Args:
        rule: what was measured.
        limit: what it must be.
        values: what it is.
    """

    rule: str
    limit: Limit
    values: np.ndarray

    @property
    def word(self) -> str:
        """Whether it is so."""
        raise NotImplementedError

    @property
    def value(self) -> str:
        """What it is, for people."""
        raise NotImplementedError

    def times(self, factor: float) -> "Part":
        """Return it with another limit."""
        return replace(self, limit=self.limit.times(factor))


class Known(Part):
    """What is known, of an optimum: one number."""

    @property
    def word(self) -> str:
        """Whether it is so."""
        return HOLDS if self.limit.met_by(self.values).all() else FAILS

    @property
    def value(self) -> str:
        """The number."""
        return f"{self.values.item():.3g}"


class OfSeeds(Part):
    """What is so of one seed, and not of another: ``values [seed]``.

    It holds where, with 95% by Wilson's interval, more than half of all seeds are so, and does not
    where fewer are: of a typical run it is said, and four seeds that agree decide it.
    """

    @property
    def interval(self) -> tuple[float, float]:
        """Where the share of seeds that are so lies."""
        met = self.limit.met_by(self.values)
        return wilson(int(met.sum()), len(met))

    @property
    def word(self) -> str:
        """Whether it is so."""
        low, high = self.interval
        if low > 0.5:
            return HOLDS
        return FAILS if high < 0.5 else UNDECIDED

    @property
    def value(self) -> str:
        """The seeds' median and range, and how many of them are so."""
        known = self.values[np.isfinite(self.values)]
        low, middle, high = np.quantile(known, (0, 0.5, 1)) if known.size else [np.nan] * 3
        met, (least, most) = self.limit.met_by(self.values).sum(), self.interval
        spread = f"{middle:.3g}" if not low < high else f"{middle:.3g} ({low:.3g} to {high:.3g})"
        seeds = f"so of {met} of {len(self.values)} seeds"
        return f"{spread}; {seeds} ({least:.0%} to {most:.0%} of all)"


class OfMean(Part):
    """What hardly differs between seeds: ``values [seed]``, whose mean is asked about.

    Undecided where its 95% interval, by Student, holds the limit.
    """

    @property
    def word(self) -> str:
        """Whether it is so."""
        low, high = interval_of_mean(self.values)
        ends = np.array([low, high])
        if self.limit.met_by(ends).all():
            return HOLDS
        return UNDECIDED if self.limit.met_by(ends).any() else FAILS

    @property
    def value(self) -> str:
        """The mean and its interval."""
        (low, high), count = interval_of_mean(self.values), len(self.values)
        around = f" ({low:.3g} to {high:.3g})" if np.isfinite(low) else ""
        return f"{self.values.mean():.3g}{around}; mean of {count} seed{'s' * (count > 1)}"


def word_of(parts: Sequence[Part]) -> str:
    """Return what becomes of a claim with some parts.

    It holds where all of them do, does not hold where none does; where some do and some do not, it
    depends on what these are about. Where an undecided part decides between these, so is the claim.
    """
    words = {part.word for part in parts}
    if {HOLDS, FAILS} <= words:
        return "depends"
    return UNDECIDED if UNDECIDED in words else words.pop()
