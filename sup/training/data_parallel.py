"""Data parallelism: each rank computes on its shard of a batch, and gradients are summed.

Gradients are written in closed form, without autograd's backward, so that the hooks by which
torch's DistributedDataParallel sums them would never be called. The loss is a sum over samples,
each counted by the whole batch's size, so the sum over shards is what one device computes.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import torch
import torch.distributed
from jaxtyping import Float, Int
from torch import Tensor


class RankError(ChildProcessError):
    """Another rank has ended, or does not answer."""


@dataclass(frozen=True)
class Shard:
    """The part of each batch that is one rank's.

    Args:
        rank: which of the ranks.
        ranks: how many there are.
    """

    rank: int
    ranks: int

    def of(self, words: Int[Tensor, "seed row batch"]) -> Int[Tensor, "seed row shard"]:
        """Return the shard of a batch; sizes of shards differ by one where they must.

        It is contiguous, as a recording's own arguments are: what is compiled for one is for both.
        """
        return words.tensor_split(self.ranks, dim=-1)[self.rank].contiguous()

    def all_reduced(
        self, gradients: Callable[[Tensor], Tensor], parameters: Iterable[Tensor]
    ) -> Callable[[Tensor], Tensor]:
        """Return a function of whole batches; on a single rank, `gradients` itself.

        Args:
            gradients: returns the losses of a batch and leaves the parameters' `grad`.
            parameters: whose gradients they are.
        """
        if self.ranks == 1:
            return gradients
        return AllReducedGradients(self, gradients, parameters)


class AllReducedGradients:
    """Losses and gradients of whole batches, computed shard by shard on the ranks and summed.

    Args:
        shard: the part of each batch that is this rank's.
        gradients: returns the losses of a shard and leaves the parameters' `grad`.
        parameters: whose gradients they are.
    """

    def __init__(
        self,
        shard: Shard,
        gradients: Callable[[Tensor], Tensor],
        parameters: Iterable[Tensor],
    ):
        self.shard = shard
        self.gradients = gradients
        self.parameters = list(parameters)

    def __call__(self, words: Int[Tensor, "seed row batch"]) -> Float[Tensor, " instance"]:
        """Return each instance's loss on the whole batch, on every rank the same.

        The gradients are left in the parameters' `grad`.

        Raises:
            RankError: where another rank has ended.
        """
        losses = self.gradients(self.shard.of(words))
        parts = [losses, *(p.grad for p in self.parameters if p.grad is not None)]
        # One sum of all numbers: for models this small, what counts is how often ranks must meet.
        row = torch.cat([part.flatten() for part in parts])
        try:
            torch.distributed.all_reduce(row)
        except RuntimeError as error:
            raise RankError(f"another rank does not answer ({error})") from error
        for part, summed in zip(parts, row.split([part.numel() for part in parts]), strict=True):
            part.copy_(summed.view_as(part))
        return losses
