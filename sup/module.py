"""The LightningModule: trains a whole stack of toy models at once."""

import time
from bisect import bisect_left
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import islice
from typing import Any

import lightning.pytorch as pl
import torch
from jaxtyping import Float
from torch import Tensor

from sup.autoencoder import StackedAutoencoder, reconstruction_loss
from sup.data import Chunk
from sup.engine import make_engine
from sup.features import Inputs
from sup.quadrature import QuadratureInputs
from sup.recording import Recorded
from sup.schedule import measured, snapshots

LARGEST_KEPT = 256
"""Weights of one model up to which snapshots are kept: 32 of them take 32 kB at most."""


@dataclass(frozen=True)
class Origin:
    """What a checkpoint says about the models in it, so that they can be found again.

    Args:
        shared: the settings that all instances share, as JSON.
        instances: each instance's own settings, as JSON.
    """

    shared: str
    instances: tuple[str, ...]


class SuperpositionModule(pl.LightningModule):
    """A stacked autoencoder, its data and its importance-weighted loss.

    The loss that is minimised is the *sum* over instances: with a mean, the number of neighbours
    would scale an instance's gradient and, through Adam's epsilon, change its training.

    Args:
        autoencoder: the models.
        inputs: makes the inputs from uniforms.
        importance: ``I_i`` of each instance.
        steps: optimizer steps of the whole run.
        optimizer: makes the optimizer from the parameters.
        scheduler: makes the learning rate's schedule, stepped after every step.
        engine: how gradients are computed, see `sup.engine`.
        origin: what checkpoints say about the instances.
    """

    step: int
    """Optimizer steps done so far."""

    seconds: float
    """Time that they took, that of interrupted commands included."""

    importance: Tensor
    kept: Tensor
    """Weights ``[snapshot, instance, hidden, feature]`` at the steps in `snapshots`."""

    loss_sums: Tensor
    """Training loss ``[measurement, instance]``, summed over the steps up to each measurement."""

    def __init__(
        self,
        *,
        autoencoder: StackedAutoencoder,
        inputs: Inputs | QuadratureInputs,
        importance: Float[Tensor, "instance feature"],
        steps: int,
        optimizer: Callable[..., torch.optim.Optimizer],
        scheduler: Callable[..., torch.optim.lr_scheduler.LRScheduler],
        engine: str,
        origin: Origin,
    ) -> None:
        super().__init__()
        self.automatic_optimization = False
        self.step = 0
        self.seconds = 0.0
        self.autoencoder = autoencoder
        self.inputs = inputs
        self.register_buffer("importance", importance, persistent=False)
        self.measured = measured(steps)
        self.register_buffer("loss_sums", torch.zeros(len(self.measured), len(importance)))
        W = autoencoder.W.detach()
        self.snapshots = snapshots(steps) if W[0].numel() <= LARGEST_KEPT else []
        self.register_buffer("kept", W.new_zeros(len(self.snapshots), *W.shape))
        self.keep()
        self.make_optimizer = optimizer
        self.make_scheduler = scheduler
        self.engine_name = engine
        self.origin = origin

    def configure_optimizers(self) -> Any:
        """Make the optimizer and its schedule."""
        optimizer = self.make_optimizer(self.parameters())
        return {"optimizer": optimizer, "lr_scheduler": self.make_scheduler(optimizer)}

    def on_train_start(self) -> None:
        """Choose how gradients are computed, now that the device is known."""
        data: Any = self.trainer.datamodule  # pyright: ignore[reportAttributeAccessIssue]
        u = torch.rand(len(data.seeds), data.n_features, data.batch_size, device=self.device)
        engine = make_engine(
            self.engine_name,
            self.autoencoder,
            self.inputs,
            self.importance,
            example=u,
            steps=self.measured[-1],
        )
        self.gradients = Recorded(engine, self.device)

    def training_step(self, chunk: Chunk, batch_idx: int) -> None:
        """Take the optimizer steps of one chunk.

        The optimizer is stepped without Lightning's wrapper, whose cost would be that of the step
        itself; so `step` counts the steps, and `Trainer.global_step` stays 0.
        """
        started = time.perf_counter()
        optimizer: Any = self.optimizers(use_pl_optimizer=False)
        scheduler: Any = self.lr_schedulers()
        sums = self.loss_sums[self.measurement(chunk.steps.stop)]
        for u in chunk:
            sums += self.gradients(u)
            optimizer.step()
            scheduler.step()
        self.step = chunk.steps.stop
        self.keep()
        self.seconds += time.perf_counter() - started

    def keep(self) -> None:
        """Keep the weights, if this step is one of the snapshots."""
        if self.step in self.snapshots:
            self.kept[self.snapshots.index(self.step)] = self.autoencoder.W.detach()

    def measurement(self, step: int) -> int:
        """Return the index of the first measurement at or after `step` steps."""
        return bisect_left(self.measured, step)

    @property
    def training_loss(self) -> Float[Tensor, "measurement instance"]:
        """Each instance's loss, averaged over the steps since the measurement before."""
        counts = torch.tensor(self.measured).diff(prepend=torch.zeros(1, dtype=torch.int64))
        return self.loss_sums / counts[:, None].to(self.loss_sums.device)

    @torch.no_grad()
    def evaluate(self, uniforms: Iterable[Tensor]) -> Float[Tensor, " instance"]:
        """Return each instance's mean loss over batches of uniforms, in float64."""
        losses = []
        for u in islice(uniforms, self.inputs.batches):
            x = self.inputs(u)[self.inputs.group_index]
            cost = self.inputs.cost(self.importance, u.shape[-1])
            losses.append(reconstruction_loss(x, self.autoencoder(x), cost).double())
        return torch.stack(losses).mean(0)

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Write down how far the run is and which instances the checkpoint holds."""
        checkpoint["stack"] = {
            "step": self.step,
            "seconds": self.seconds,
            "shared": self.origin.shared,
            "instances": list(self.origin.instances),
        }

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Take this stack's instances out of a checkpoint, which may hold others too."""
        stack = checkpoint["stack"]
        self.step, self.seconds = stack["step"], stack["seconds"]
        place = {instance: k for k, instance in enumerate(stack["instances"])}
        chosen = torch.tensor([place[instance] for instance in self.origin.instances])
        weights = checkpoint["state_dict"]
        for name in ("loss_sums", "kept"):
            weights[name] = weights[name][:, chosen.to(weights[name].device)]
        for name, _ in self.named_parameters():
            weights[name] = weights[name][chosen.to(weights[name].device)]
        for optimizer in checkpoint["optimizer_states"]:
            for moments in optimizer["state"].values():
                for name, tensor in moments.items():
                    if torch.is_tensor(tensor) and tensor.ndim > 0:
                        moments[name] = tensor[chosen.to(tensor.device)]
