"""Held-out inputs of two features and more, drawn where a model can be expected to err.

Of 45 pairs of ten features, a model of antipodal pairs gets five wrong, and of 780 pairs of forty
features twenty: a mean over plain samples is off by percents. So two features are chosen by how
much they interfere, and are present; all others are, or are not, by themselves. What is drawn more
often than it comes counts less: an input with the features A present is proposed with a probability
of ``sum_{i < j in A} q_ij / (p_i p_j)`` times its own, q_ij being that of choosing i and j. This is
importance sampling (Kahn & Marshall, 1953).

The pairs, and the value of the first of two, are evenly spread, and that of the second follows the
golden ratio, so that the values of a pair that is chosen often fill the square evenly.
"""

from collections.abc import Iterator
from typing import Protocol

import torch
from jaxtyping import Float, Float64, Int
from torch import Tensor

from sup.model.held_out import SAMPLES, Batch
from sup.model.inputs import Draws, Purpose, lattice, present_values

BATCHES = 40
"""Of samples, independent of each other, so that they tell the standard error of their mean; with
the nodes of single features, it takes no longer than a plain mean over 64 batches did."""

PLAIN = 0.25
"""The share of pairs that are chosen whatever their interference; of an input with an error that
no pair explains, at most four times as many plain samples tell as much."""

PAIRED, PAIRED_BY_HIDDEN, MOST_PAIRED = 128, 4, 512
"""Pairs are told apart of as many features, or of as many for each hidden dimension if that is
more, up to the last. Where more features share a dimension they all interfere and no pair stands
out; and what a sample counts would cost more than what the model makes of it."""

GOLDEN = (5**0.5 - 1) / 2

Chosen = tuple[Int[Tensor, "instance sample"], Int[Tensor, "instance sample"], Tensor]
"""The first and the second feature, and where in its share the first's place lies, in [0, 1]."""


class Pairs(Protocol):
    """How pairs are chosen, and how much more often an input is proposed than it comes."""

    def chosen(self, place: Float64[Tensor, "2 sample"]) -> Chosen:
        """Choose pairs by numbers in [0, 1), the first in order."""
        ...

    def ratio(
        self, present: Float[Tensor, "instance feature sample"]
    ) -> Float[Tensor, "instance sample"]:
        """Return it for inputs in which at least two features are present: 1 there, else 0."""
        ...


class InterferingPairs:
    """Chooses pairs by ``(I_i + I_j) (W_i . W_j)^2``, a share of them whatever it is.

    Args:
        W: weights.
        p: density of each feature, in float64 on the CPU.
        importance: ``I_i``.
    """

    def __init__(
        self,
        W: Float[Tensor, "instance hidden feature"],
        p: Float64[Tensor, "instance feature"],
        importance: Float[Tensor, "instance feature"],
    ):
        self.i, self.j = torch.triu_indices(p.shape[1], p.shape[1], 1)
        weights, cost = W.cpu().double(), importance.cpu().double()
        square = (weights.mT @ weights)[:, self.i, self.j].square()
        both = p[:, self.i] * p[:, self.j]
        error = (cost[:, self.i] + cost[:, self.j]) * square
        total = (error * both).sum(-1, keepdim=True)
        each = each_of(p)
        plain = torch.where(total > 0, PLAIN, 1.0) * (each[:, self.i] + each[:, self.j])
        own = plain + torch.where(total > 0, (1 - PLAIN) * error / total, 0.0)
        self.ends = (own * both).cumsum(-1)
        R = torch.zeros(*p.shape, p.shape[1], dtype=torch.float64)
        R[:, self.i, self.j] = own
        self.R = R.to(W)

    def chosen(self, place: Float64[Tensor, "2 sample"]) -> Chosen:
        """Choose pairs; see `Pairs`."""
        pair, value = found(self.ends, place[0])
        return self.i[pair], self.j[pair], value

    def ratio(
        self, present: Float[Tensor, "instance feature sample"]
    ) -> Float[Tensor, "instance sample"]:
        """Return ``sum_{i < j in A} q_ij / (p_i p_j)``."""
        return (present * (self.R @ present)).sum(1)


class AnyPairs:
    """Chooses one feature whatever it is, and another one by its density; see `each_of`.

    Args:
        W: weights; they do not matter.
        p: density of each feature, in float64 on the CPU.
    """

    def __init__(
        self, W: Float[Tensor, "instance hidden feature"], p: Float64[Tensor, "instance feature"]
    ):
        self.p, self.ends = p, p.cumsum(-1)
        self.total = self.ends[:, -1:]
        self.firsts = first_of(p).cumsum(-1)
        self.each = each_of(p).to(W)[..., None]

    def chosen(self, place: Float64[Tensor, "2 sample"]) -> Chosen:
        """Choose pairs; see `Pairs`."""
        first, value = found(self.firsts, place[0])
        own, end = self.p.gather(1, first), self.ends.gather(1, first)
        other = place[1] * (self.total - own)
        other = torch.where(other < end - own, other, other + own)
        second = torch.searchsorted(self.ends, other, right=True).clamp_max(self.p.shape[1] - 1)
        beside = torch.where(first > 0, first - 1, first + 1)  # for what rounding makes of an end
        return first, torch.where(second == first, beside, second), value

    def ratio(
        self, present: Float[Tensor, "instance feature sample"]
    ) -> Float[Tensor, "instance sample"]:
        """Return ``sum_{i < j in A} (e_i + e_j)``: each feature has a part in each of its pairs."""
        return (present * self.each).sum(1) * (present.sum(1) - 1)


def first_of(p: Float64[Tensor, "instance feature"]) -> Float64[Tensor, "instance feature"]:
    """Return how often each feature is the first of a pair: by its density, or as any other.

    So the rarest of features are seen too, which others that are common would hide.
    """
    return (p / p.sum(-1, keepdim=True) + 1 / p.shape[1]) / 2


def each_of(p: Float64[Tensor, "instance feature"]) -> Float64[Tensor, "instance feature"]:
    """Return e_i such that i and j are chosen with a probability of ``p_i p_j (e_i + e_j)``."""
    return first_of(p) / (p * (p.sum(-1, keepdim=True) - p))


def found(
    ends: Float64[Tensor, "instance share"], place: Float64[Tensor, " sample"]
) -> tuple[Int[Tensor, "instance sample"], Float64[Tensor, "instance sample"]]:
    """Return in which share a place lies, and where in it, in [0, 1].

    Args:
        ends: of the shares, rising.
        place: in [0, 1], of all shares together.
    """
    at = (place * ends[:, -1:]).contiguous()
    share = torch.searchsorted(ends, at, right=True).clamp_max(ends.shape[1] - 1)
    starts = torch.cat([torch.zeros_like(ends[:, :1]), ends[:, :-1]], -1)
    start, end = starts.gather(1, share), ends.gather(1, share)
    return share, ((at - start) / (end - start)).clamp(0, 1)


def several(
    W: Float[Tensor, "instance hidden feature"],
    density: Float[Tensor, "instance feature"],
    importance: Float[Tensor, "instance feature"],
) -> Iterator[Batch]:
    """Yield `BATCHES` batches of inputs of two features and more, from the same words for all.

    Each is a sample of its own: its weights sum to the probability of such inputs, on average.

    Args:
        W: weights, of at least two features.
        density: ``p``, in [2^-24, 1].
        importance: ``I_i``, at least 0.
    """
    n, device = W.shape[-1], W.device
    p = density.cpu().double()  # Apple's GPUs have no float64
    most = min(max(PAIRED, PAIRED_BY_HIDDEN * W.shape[-2]), MOST_PAIRED)
    pairs: Pairs = InterferingPairs(W, p, importance) if n <= most else AnyPairs(W, p)
    distinct, group = torch.unique(p, dim=0, return_inverse=True)
    last, scale = (one.to(device) for one in lattice(distinct, W.dtype))
    group = group.to(device)
    order = torch.arange(SAMPLES, dtype=torch.float64)
    for drawn in Draws((0,), (n + 3, SAMPLES), device).each(Purpose.EVALUATION, range(BATCHES)):
        words, own = drawn[0].split((n, 3))
        jitter, shift, other = own.cpu().double() * 2**-32
        i, j, value = pairs.chosen(torch.stack([(order + jitter) / SAMPLES, other]))
        second = (order * GOLDEN + shift[0]).frac().expand_as(value)
        x = present_values(words[None], last, scale)[group]
        for feature, values in ((i, value), (j, second)):
            put = values.clamp_min(2**-32).to(x)[:, None]
            x.scatter_(1, feature.to(device)[:, None], put)
        yield x, 1 / (SAMPLES * pairs.ratio((x > 0).to(x)))
