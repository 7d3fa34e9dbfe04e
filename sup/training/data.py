"""The LightningDataModule: words for every step, made on the device that trains on them."""

from collections.abc import Iterator
from typing import Any

import lightning.pytorch as pl
from jaxtyping import Int
from torch import Tensor

from sup.model.inputs import Draws, Purpose
from sup.training.schedule import chunks


class Chunk:
    """The data of several optimizer steps, made as they are needed, to stay in the cache.

    Not a dataclass: Lightning would take one apart to move its fields to the device.

    Args:
        steps: the steps, counted from 0.
        draws: the source of random words, on the device already.
        period: steps after which the same words come again; None: they never do.
    """

    def __init__(self, steps: range, draws: Draws, period: int | None = None):
        self.steps = steps
        self.draws = draws
        self.period = period

    def __iter__(self) -> Iterator[Int[Tensor, "seed row batch"]]:
        if self.period is None:
            yield from self.draws.each(Purpose.TRAINING, self.steps)
            return
        comes_again = self.period < len(self.steps)
        held: dict[int, Tensor] = {}
        for step in (step % self.period for step in self.steps):
            words = held.get(step)
            if words is None:
                words = self.draws.words(Purpose.TRAINING, step)
            if comes_again:
                held[step] = words
            yield words


class WordsDataModule(pl.LightningDataModule):
    """Serves chunks of random words; nothing but (seed, step) decides what is in them.

    Args:
        seeds: the distinct seeds of the stack.
        rows: words of a sample.
        batch_size: samples in a step.
        steps: optimizer steps in the whole run.
        period: steps after which the same samples come again; None: they never do.
    """

    def __init__(
        self,
        seeds: tuple[int, ...],
        rows: int,
        batch_size: int,
        steps: int,
        period: int | None = None,
    ):
        super().__init__()
        self.seeds = seeds
        self.rows = rows
        self.batch_size = batch_size
        self.steps = steps
        self.period = period

    def train_dataloader(self) -> "ChunkLoader":
        """Return the chunks that are still to be trained."""
        return ChunkLoader(self)


class ChunkLoader:
    """Iterates over the chunks from where the module stands, which a resumed run needs."""

    def __init__(self, data: WordsDataModule):
        self.data = data

    def __iter__(self) -> Iterator[Chunk]:
        trainer, data = self.data.trainer, self.data
        assert trainer is not None
        module: Any = trainer.lightning_module
        shape = (data.rows, data.batch_size)
        draws = Draws(data.seeds, shape, trainer.strategy.root_device)
        for steps in chunks(data.steps, done=module.step):
            yield Chunk(steps, draws, data.period)
