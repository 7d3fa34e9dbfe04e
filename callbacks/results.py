"""Evaluate what was trained."""

import logging
from functools import partial

import lightning.pytorch as pl
import torch
from jaxtyping import Bool
from lightning.pytorch.loggers import Logger
from torch import Tensor

from sup.callbacks.base import StackCallback
from sup.config.rules import SettingError
from sup.config.run import Run
from sup.model.autoencoder import StackedAutoencoder
from sup.model.inputs import Inputs
from sup.model.quadrature import QuadratureInputs
from sup.system.stages import stage
from sup.training.distinct import distinct_activations
from sup.training.evaluation import Evaluation, evaluate
from sup.training.module import SuperpositionModule
from sup.training.names import LOSS
from sup.training.outcome import Outcome
from sup.training.plain_samples import evaluate_on_samples, unseen
from sup.training.stack import Stack

log = logging.getLogger(__name__)


class Results(StackCallback):
    """Evaluates the trained models on held-out samples, and holds what became of each slice."""

    def __init__(self, stack: Stack, loggers: dict[Run, Logger]):
        super().__init__(stack, loggers)
        self.outcomes: list[Outcome] = []

    def evaluation(self, module: SuperpositionModule) -> Evaluation:
        """Evaluate models on held-out inputs, by what is known of both."""
        models, inputs, importance = module.autoencoder, module.inputs, module.importance
        is_told = isinstance(inputs, (Inputs, QuadratureInputs))
        if not is_told or type(models) is not StackedAutoencoder:
            own = self.stack.held_out_maker().to(module.device)
            return evaluate_on_samples(models, own, importance)
        activations = partial(distinct_activations, self.stack)
        return evaluate(models, inputs.own_density, importance, activations)

    def unseen(self) -> Bool[Tensor, "instance feature"]:
        """Tell which features are too rare for held-out samples to tell anything of them."""
        found = unseen(self.stack.held_out_maker())
        if bool(found.any()):
            log.warning(
                "features=%s: %d features are too rare for samples as they come, so their loss is "
                "not known; a Presence that tells its blocks has samples in which they are present",
                self.stack.settings.features.name,
                int(found.any(0).sum()),
            )
        return found

    def on_train_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Take what is left of every slice, and log the held-out loss of every run.

        Raises:
            SettingError: where the training has not come to its end.
        """
        assert isinstance(pl_module, SuperpositionModule)
        if pl_module.step != pl_module.measured[-1]:
            ended = f"the trainer ended after {pl_module.step} of them; no results are written"
            raise SettingError("steps", pl_module.measured[-1], ended)
        models = pl_module.autoencoder
        with stage(log, "measuring on held-out samples", level=logging.DEBUG):
            found = self.evaluation(pl_module)
        # What the last step has done to the loss, the next one would have shown.
        diverged_at = pl_module.diverged_at.cpu()
        diverged_at[~found.loss.isfinite() & (diverged_at == 0)] = pl_module.step + 1
        unknown = self.unseen()
        of_any = unknown.any(-1)
        values = {
            "W": models.W.detach(),
            "b": models.b.detach(),
            "decoder": models.own_decoder.detach(),
            "loss": found.loss.masked_fill(of_any, torch.nan),
            "loss_error": found.loss_error.masked_fill(of_any, torch.nan),
            "squared_error": found.squared_error.masked_fill(unknown, torch.nan),
            "training_loss": pl_module.training_loss.mT,
            "snapshots": pl_module.snapshots.transpose(0, 1),
            "diverged_at": diverged_at,
        }
        values = {name: tensor.cpu() for name, tensor in values.items()}
        self.outcomes = [
            Outcome(
                **{name: tensor[place].clone() for name, tensor in values.items()},
                seconds=pl_module.seconds,
                device=str(pl_module.device),
                instances_in_stack=self.stack.size,
            )
            for _, place in self.stack.places
        ]
        held_out = dict(zip((part.run for part in self.stack.slices), self.outcomes, strict=True))
        for run, logger, _ in self.logged():
            final = held_out[run].measured(held_out[run].loss).mean().item()
            logger.log_metrics({LOSS: final}, pl_module.step)
