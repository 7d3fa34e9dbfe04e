"""The LightningDataModule: uniforms for every step, drawn on the device that trains on them."""

from collections.abc import Iterator
from typing import Any

import lightning.pytorch as pl
import torch
from jaxtyping import Float
from torch import Tensor

from sup.model.inputs import Draws, Purpose
from sup.training.schedule import chunks

EVALUATION_BATCHES = 64
EVALUATION_SAMPLES = 1024
"""Held-out losses are means over 64 x 1024 samples, whatever the seed and the batch size."""


class Chunk:
    """The data of several optimizer steps, made one step at a time to stay in the cache.

    Not a dataclass: Lightning would take one apart to move its fields to the device.

    Args:
        steps: the steps, counted from 0.
        uniforms: the source of random numbers, on the device already.
    """

    def __init__(self, steps: range, uniforms: Draws):
        self.steps = steps
        self.uniforms = uniforms

    def __iter__(self) -> Iterator[Float[Tensor, "seed feature batch"]]:
        return (self.uniforms.uniform(Purpose.TRAINING, step) for step in self.steps)


class UniformsDataModule(pl.LightningDataModule):
    """Serves chunks of uniforms; nothing but (seed, step) decides what is in them.

    Args:
        seeds: the distinct seeds of the stack.
        n_features: n.
        batch_size: samples in a step.
        steps: optimizer steps in the whole run.
    """

    def __init__(self, seeds: tuple[int, ...], n_features: int, batch_size: int, steps: int):
        super().__init__()
        self.seeds = seeds
        self.n_features = n_features
        self.batch_size = batch_size
        self.steps = steps

    def train_dataloader(self) -> "ChunkLoader":
        """Return the chunks that are still to be trained."""
        return ChunkLoader(self)

    def held_out(self, device: torch.device) -> Iterator[Float[Tensor, "seed feature batch"]]:
        """Yield the uniforms of held-out samples, the same for every seed.

        On samples of its own, a seed could look better than another by luck alone.
        """
        draws = Draws((0,), (self.n_features, EVALUATION_SAMPLES), device)
        return (
            draws.uniform(Purpose.EVALUATION, step).expand(len(self.seeds), -1, -1)
            for step in range(EVALUATION_BATCHES)
        )


class ChunkLoader:
    """Iterates over the chunks from where the module stands, which a resumed run needs."""

    def __init__(self, data: UniformsDataModule):
        self.data = data

    def __iter__(self) -> Iterator[Chunk]:
        trainer, data = self.data.trainer, self.data
        assert trainer is not None
        module: Any = trainer.lightning_module
        shape = (data.n_features, data.batch_size)
        draws = Draws(data.seeds, shape, trainer.strategy.root_device)
        for steps in chunks(data.steps, done=module.step):
            yield Chunk(steps, draws)
