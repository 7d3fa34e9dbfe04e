"""Held-out inputs of any distribution, drawn where features are present, however rare they are.

At a sparsity of 0.999999 none of 262,144 plain samples may hold a feature. So one feature is chosen
for half of the samples, and two of different blocks for the others, and a sample is drawn given
that they are present (`sup.model.features.presence`). With q_i the probability that i is chosen,
the other one being any of the N features outside of its block, and d_i that i is present, a sample
with the features A is proposed so much more often than it comes::

    sum_{i in A} q_i / (2 d_i)  +  sum_{i, j in A of different blocks} q_i / (2 N d_i d_j)

It counts less by as much, whichever feature it was drawn for: importance sampling, by the balance
heuristic (Veach & Guibas, 1995). That no feature is present is one more input, with its own
probability.
"""

from collections.abc import Iterator

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from sup.model.drawn import DrawnInputs
from sup.model.features.presence import Chosen, Words
from sup.model.several import first_of, found

OWN_WORDS = 2
"""Words of a sample by which its features are chosen."""


class Proposals:
    """Chooses features, draws samples that have them, and says what each counts.

    Args:
        inputs: whose presence tells its blocks, on any device.
    """

    def __init__(self, inputs: DrawnInputs):
        blocks = inputs.presence.blocks
        assert blocks is not None
        self.inputs, self.size = inputs, blocks.size
        self.device, self.dtype = inputs.seed_index.device, inputs.dtype
        d = inputs.presence.density.cpu().double()  # Apple's GPUs have no float64
        q = first_of(d)
        self.ends = q.cumsum(-1)
        self.others = d.shape[-1] - self.size
        self.of_two = 0.5 if self.others else 0.0
        self.alone = self._column((1 - self.of_two) * q / d)
        self.first = self._column(self.of_two / max(self.others, 1) * q / d)
        # Of two, the probability is d_i d_j before samples of none are left out.
        self.second = self._column(1 / (d * blocks.some[:, None]))

    def _column(self, numbers: Tensor) -> Tensor:
        return numbers.to(self.device, self.dtype)[..., None]

    def batch(
        self, words: Int[Tensor, "1 row sample"], at_once: int
    ) -> Iterator[tuple[Float[Tensor, "input feature sample"], Float[Tensor, "input sample"]]]:
        """Yield inputs, some at a time, and what each of them counts.

        Args:
            words: those of the inputs, and below them `OWN_WORDS`.
            at_once: how many samples.
        """
        own, of_choice = words.tensor_split((self.inputs.rows,), 1)
        chosen, value = self.chosen(of_choice[0])
        parts = (one.split(at_once, -1) for one in (own, chosen, value))
        for some, of_some, first in zip(*parts, strict=True):
            x, present = self.drawn(some, of_some, first)
            yield x, (1 / (words.shape[-1] * self.ratio(present))).expand(len(x), -1)

    def chosen(
        self, words: Int[Tensor, "2 sample"]
    ) -> tuple[Chosen, Float[Tensor, "group sample"]]:
        """Choose two features for each sample, of the first samples twice the same.

        Returns:
            The features; the value of the first of two, a number in [0, 1]. Both are evenly spread.
        """
        jitter, other = words.cpu().double() * 2**-32
        count = jitter.shape[-1]
        alone = count - int(self.of_two * count)
        place = (torch.arange(count) + jitter) / alone
        place[alone:] = (torch.arange(count - alone) + jitter[alone:]) / max(count - alone, 1)
        first, value = found(self.ends, place)
        second = (other * self.others).long().expand_as(first)
        second = torch.where(second < first // self.size * self.size, second, second + self.size)
        second = torch.cat([first[:, :alone], second[:, alone:]], -1)
        return torch.stack([first, second], 1).to(self.device), value.to(self.dtype).to(self.device)

    def drawn(
        self, words: Words, chosen: Chosen, value: Float[Tensor, "group batch"]
    ) -> tuple[Float[Tensor, "input feature batch"], Bool[Tensor, "group feature batch"]]:
        """Return inputs that have chosen features, and which features are present in them."""
        inputs, rows = self.inputs, self.inputs.presence.rows
        present = inputs.presence.having(words[:, :rows], chosen)
        u = inputs.uniform(words[:, rows:]).expand(len(chosen), -1, -1)
        u = u.scatter(1, chosen[:, :1], value.clamp(2**-33, 1)[:, None])
        x = torch.where(present, inputs.values(u), 0.0)
        return x.expand(len(inputs.seed_index), -1, -1), present

    def ratio(self, present: Bool[Tensor, "group feature batch"]) -> Float[Tensor, "group batch"]:
        """Return how much more often a sample is proposed than it comes, by what it has."""
        first, second = (self._of_blocks(present * each) for each in (self.first, self.second))
        # By those of the blocks before: a difference of sums would lose the digits of the rarest.
        two = second * _before(first) + first * _before(second)
        return (present * self.alone).sum(1) + two.sum(1)

    def _of_blocks(self, numbers: Float[Tensor, "group feature batch"]) -> Tensor:
        return numbers.unflatten(1, (-1, self.size)).sum(2)


def _before(numbers: Float[Tensor, "group block batch"]) -> Tensor:
    """Return the sum of what stands before each number."""
    return torch.cat([torch.zeros_like(numbers[:, :1]), numbers[:, :-1].cumsum(1)], 1)
