"""The LightningModule: trains a whole stack of toy models at once."""

import time
from bisect import bisect_left
from collections.abc import Sequence
from typing import Any

import lightning.pytorch as pl
import torch
from jaxtyping import Float
from torch import Tensor

from sup.config.rules import SettingError
from sup.model.autoencoder import StackedAutoencoder
from sup.model.data import AnyInputs
from sup.system import signals
from sup.training.data import Chunk
from sup.training.data_parallel import Shard
from sup.training.optimizer_state import take_instances
from sup.training.recipe import Recipe
from sup.training.schedule import LARGEST_SNAPSHOT, measured, snapshots
from sup.training.stacked_optimizer import StackedOptimizer
from sup.training.ways import way_of


class SuperpositionModule(pl.LightningModule):
    """A stacked autoencoder, its data and its importance-weighted loss.

    The loss that is minimised is the *sum* over instances: with a mean, the number of neighbours
    would scale an instance's gradient and, through Adam's epsilon, change its training.

    Args:
        autoencoder: the models.
        inputs: makes the inputs from random words.
        importance: ``I_i`` of each instance.
        recipe: how they are trained.
        shared: the settings that all instances share, as JSON, for checkpoints.
        instances: each instance's own settings, as JSON, by which checkpoints know it.
    """

    step: int
    """Optimizer steps done so far."""

    seconds: float
    """Time that they took, that of interrupted commands included."""

    importance: Tensor
    snapshots: Tensor
    """Weights ``[snapshot, instance, hidden, feature]`` after `snapshot_steps`."""

    loss_sums: Tensor
    """Training loss ``[measurement, instance]``, summed over the steps up to each measurement."""

    diverged_at: Tensor
    """The first step whose loss or update was not finite, ``[instance]``; 0 where there is none.
    Such an instance is frozen: it keeps the weights from before that step. It is the step after the
    last where only the held-out loss is not finite."""

    def __init__(
        self,
        *,
        autoencoder: StackedAutoencoder,
        inputs: AnyInputs,
        importance: Float[Tensor, "instance feature"],
        recipe: Recipe,
        shared: str,
        instances: Sequence[str],
    ) -> None:
        super().__init__()
        self.automatic_optimization = False
        self.step = 0
        self.seconds = 0.0
        self.autoencoder = autoencoder
        self.inputs = inputs
        self.register_buffer("importance", importance, persistent=False)
        self.measured = measured(recipe.steps)
        self.register_buffer("loss_sums", importance.new_zeros(len(self.measured), len(importance)))
        self.register_buffer("diverged_at", torch.zeros(len(importance), dtype=torch.int64))
        W = autoencoder.W.detach()
        self.snapshot_steps = snapshots(recipe.steps) if W[0].numel() <= LARGEST_SNAPSHOT else []
        self.register_buffer("snapshots", W.new_zeros(len(self.snapshot_steps), *W.shape))
        self.take_snapshot()
        self.recipe = recipe
        self.shared, self.instances = shared, list(instances)

    def configure_optimizers(self) -> Any:
        """Make the optimizer and its schedule."""
        return self.recipe.configured(self.parameters())

    def on_train_start(self) -> None:
        """Choose how steps are taken, now that the device is known."""
        data: Any = self.trainer.datamodule  # pyright: ignore[reportAttributeAccessIssue]
        self.way = way_of(self, Shard(self.trainer.global_rank, self.trainer.world_size), data)

    def training_step(self, chunk: Chunk, batch_idx: int) -> None:
        """Take the optimizer steps of one chunk.

        The optimizer is stepped without Lightning's wrapper, whose cost would be that of the step
        itself; so `step` counts the steps, and `Trainer.global_step` stays 0.
        """
        started = time.perf_counter()
        signals.defer()
        self.way.take(chunk)
        self.take_snapshot()
        self.seconds += time.perf_counter() - started

    def on_train_batch_end(self, outputs: Any, batch: Any, batch_idx: int) -> None:
        """Stop where a signal has asked for it; by now the callbacks have seen the chunk."""
        signals.stop_if_asked()

    def on_train_epoch_end(self) -> None:
        """Let go of recordings: each keeps the memory of a step, which the evaluation can use."""
        self.let_go()

    def let_go(self) -> None:
        """Forget how steps are taken, which no step will be any more."""
        vars(self).pop("way", None)

    def rates(self) -> Float[Tensor, " instance"]:
        """Return the learning rate of each instance, of the step that comes next."""
        optimizer: Any = self.optimizers(use_pl_optimizer=False)
        if isinstance(optimizer, StackedOptimizer):
            return optimizer.rates()
        return torch.full((len(self.importance),), float(optimizer.param_groups[0]["lr"]))

    def take_snapshot(self) -> None:
        """Keep the weights, if this step is one of the snapshots."""
        if self.step in self.snapshot_steps:
            self.snapshots[self.snapshot_steps.index(self.step)] = self.autoencoder.W.detach()

    def measurement(self, step: int) -> int:
        """Return the index of the first measurement at or after `step` steps."""
        return bisect_left(self.measured, step)

    @property
    def training_loss(self) -> Float[Tensor, "measurement instance"]:
        """Each instance's loss, averaged over the steps since the measurement before."""
        counts = torch.tensor(self.measured).diff(prepend=torch.zeros(1, dtype=torch.int64))
        return self.loss_sums / counts[:, None].to(self.loss_sums.device)

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Write down how far the run is and which instances the checkpoint holds."""
        checkpoint["stack"] = {
            "step": self.step,
            "seconds": self.seconds,
            "shared": self.shared,
            "instances": self.instances,
        }

    @classmethod
    def load_from_checkpoint(cls, checkpoint_path: Any, *args: Any, **kwargs: Any) -> Any:
        """Refuse: a checkpoint holds the middle of a stack's training, and no model by itself.

        Raises:
            SettingError: always; it says what to use.
        """
        instead = "is continued from by resume=...; sup.load_model(sup.load_run(...)) gives a model"
        raise SettingError("checkpoint", checkpoint_path, instead)

    def __getstate__(self) -> dict[str, Any]:
        # Not the functions that this process has compiled or recorded; they are made anew.
        return {name: held for name, held in super().__getstate__().items() if name != "way"}

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Take this stack's instances out of a checkpoint, which may hold others too."""
        stack = checkpoint["stack"]
        self.step, self.seconds = stack["step"], stack["seconds"]
        place = {instance: k for k, instance in enumerate(stack["instances"])}
        chosen = torch.tensor([place[instance] for instance in self.instances])
        weights = checkpoint["state_dict"]
        for name in ("loss_sums", "snapshots"):
            weights[name] = weights[name][:, chosen.to(weights[name].device)]
        for name in ("diverged_at", *dict(self.named_parameters())):
            weights[name] = weights[name][chosen.to(weights[name].device)]
        take_instances(checkpoint, chosen)
