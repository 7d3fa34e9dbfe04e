"""The LightningModule: trains a whole stack of toy models at once."""

from bisect import bisect_left
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import lightning.pytorch as pl
import torch
from jaxtyping import Float, Int
from torch import Tensor

from sup.autoencoder import StackedAutoencoder, reconstruction_loss
from sup.data import Chunk
from sup.features import inputs
from sup.schedule import measured


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
        density: ``p = 1 - S`` of each instance.
        importance: ``I_i`` of each instance.
        seed_index: which of the seeds' draws each instance looks at.
        steps: optimizer steps of the whole run.
        optimizer: makes the optimizer from the parameters.
        scheduler: makes the learning rate's schedule, stepped after every step.
        origin: what checkpoints say about the instances.
    """

    step: int
    """Optimizer steps done so far."""

    density: Tensor
    importance: Tensor
    seed_index: Tensor
    loss_sums: Tensor
    """Training loss ``[measurement, instance]``, summed over the steps up to each measurement."""

    def __init__(
        self,
        *,
        autoencoder: StackedAutoencoder,
        density: Float[Tensor, " instance"],
        importance: Float[Tensor, "instance feature"],
        seed_index: Int[Tensor, " instance"],
        steps: int,
        optimizer: Callable[..., torch.optim.Optimizer],
        scheduler: Callable[..., torch.optim.lr_scheduler.LRScheduler],
        origin: Origin,
    ) -> None:
        super().__init__()
        self.automatic_optimization = False
        self.autoencoder = autoencoder
        self.register_buffer("density", density, persistent=False)
        self.register_buffer("importance", importance, persistent=False)
        self.register_buffer("seed_index", seed_index, persistent=False)
        self.measured = measured(steps)
        self.register_buffer("loss_sums", density.new_zeros(len(self.measured), len(density)))
        self.make_optimizer = optimizer
        self.make_scheduler = scheduler
        self.origin = origin
        self.step = 0

    def configure_optimizers(self) -> Any:
        """Make the optimizer and its schedule."""
        optimizer = self.make_optimizer(self.parameters())
        return {"optimizer": optimizer, "lr_scheduler": self.make_scheduler(optimizer)}

    def losses(self, u: Float[Tensor, "seed feature batch"]) -> Float[Tensor, " instance"]:
        """Return each instance's loss on the inputs it makes from uniforms `u`."""
        x = inputs(u, self.seed_index, self.density)
        return reconstruction_loss(x, self.autoencoder(x), self.importance)

    def training_step(self, chunk: Chunk, batch_idx: int) -> None:
        """Take the optimizer steps of one chunk."""
        optimizer: Any = self.optimizers()
        scheduler: Any = self.lr_schedulers()
        sums = self.loss_sums[self.measurement(chunk.steps.stop)]
        for u in chunk:
            losses = self.losses(u)
            optimizer.zero_grad()
            self.manual_backward(losses.sum())
            optimizer.step()
            scheduler.step()
            sums += losses.detach()
        self.step = chunk.steps.stop

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
        return torch.stack([self.losses(u).double() for u in uniforms]).mean(0)

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Write down how far the run is and which instances the checkpoint holds."""
        checkpoint["stack"] = {
            "step": self.step,
            "shared": self.origin.shared,
            "instances": list(self.origin.instances),
        }

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Take this stack's instances out of a checkpoint, which may hold others too."""
        stack = checkpoint["stack"]
        self.step = stack["step"]
        place = {instance: k for k, instance in enumerate(stack["instances"])}
        chosen = torch.tensor([place[instance] for instance in self.origin.instances])
        weights = checkpoint["state_dict"]
        weights["loss_sums"] = weights["loss_sums"][:, chosen.to(weights["loss_sums"].device)]
        for name, _ in self.named_parameters():
            weights[name] = weights[name][chosen.to(weights[name].device)]
        for optimizer in checkpoint["optimizer_states"]:
            for moments in optimizer["state"].values():
                for name, tensor in moments.items():
                    if torch.is_tensor(tensor) and tensor.ndim > 0:
                        moments[name] = tensor[chosen.to(tensor.device)]
