"""The measurable parts of a claim: what was measured of each seed, and what it must be."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from sup.analysis.intervals import interval_of_mean

HOLDS, FAILS, UNDECIDED = "holds", "does not hold", "undecided"


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

    def times(self, factor: float | int) -> "Limit":
        """Return a limit that is as many times as lax; of a share near 1, its distance from 1."""
        near_one = not self.most and self.value > 0.5
        value = 1 - (1 - self.value) * factor if near_one else self.value * factor
        return replace(self, value=value)


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
        values: what it is, of each seed; a single number of an optimum.
        exact: whether it is known, of an optimum, and no mean over seeds.
    """

    rule: str
    limit: Limit
    values: np.ndarray
    exact: bool = False

    @cached_property
    def interval(self) -> tuple[float, float]:
        """Where the mean over seeds is, with 95%."""
        mean = float(self.values.mean())
        return (mean, mean) if self.exact else interval_of_mean(self.values)

    @property
    def word(self) -> str:
        """Whether it is so; undecided where the interval holds the limit."""
        low, high = self.interval
        above, below = low >= self.limit.value, high <= self.limit.value
        holds, fails = (below, above) if self.limit.most else (above, below)
        if holds:
            return HOLDS
        return FAILS if fails else UNDECIDED

    @property
    def value(self) -> str:
        """What it is, for people."""
        mean, (low, high) = self.values.mean(), self.interval
        if self.exact or not np.isfinite(low):
            return f"{mean:.3g}"
        return f"{mean:.3g} ({low:.3g} to {high:.3g}, {len(self.values)} seeds)"

    def times(self, factor: float | int) -> "Part":
        """Return it with a limit that is as many times as lax."""
        return replace(self, limit=self.limit.times(factor))


def word_of(parts: Sequence[Part]) -> str:
    """Return what becomes of a claim with some parts.

    It holds where all of them do, does not hold where none does; where some do and some do not, it
    depends on what these are about. Where an undecided part decides between these, so is the claim.
    """
    words = {part.word for part in parts}
    if {HOLDS, FAILS} <= words:
        return "depends"
    return UNDECIDED if UNDECIDED in words else words.pop()
