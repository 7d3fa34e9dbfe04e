"""Log the loss and the measures of superposition during training."""

import lightning.pytorch as pl
import torch
from lightning.pytorch.loggers import Logger
from torch import Tensor

from sup.analysis import metrics
from sup.callbacks.base import StackCallback
from sup.config.grid import evenly_spaced
from sup.config.run import Run
from sup.training.module import SuperpositionModule
from sup.training.names import RATE, TRAINING_LOSS
from sup.training.stack import Stack


class SuperpositionMetrics(StackCallback):
    """Logs each run's metrics at the measured steps (`sup.training.schedule`).

    A run's curves are means over its instances, without those that have diverged. A run with a grid
    also gets a curve for each instance, for at most 16 of them, evenly spaced through the grid.
    """

    def __init__(self, stack: Stack, loggers: dict[Run, Logger]):
        super().__init__(stack, loggers)
        self.labels = {run: run.settings.grid.labels() for run in loggers}

    def after_chunk(self, trainer: pl.Trainer, module: SuperpositionModule) -> None:
        """Measure and log, where the chunk ended at a measured step."""
        if not self.is_heard or module.step not in module.measured:
            return
        values = self.measure(module)
        for run, logger, place in self.logged():
            own = {name: tensor[place] for name, tensor in values.items()}
            logger.log_metrics(self.curves(run, own), module.step)

    @staticmethod
    def measure(module: SuperpositionModule) -> dict[str, Tensor]:
        """Return every metric, and the learning rate, of every instance ``[instance]``."""
        with torch.no_grad():
            W = module.autoencoder.W
            values = {
                name: metric(W).masked_fill(module.diverged_at > 0, torch.nan)
                for name, metric in metrics.PER_INSTANCE.items()
            }
        loss = module.training_loss[module.measurement(module.step)]
        own = {TRAINING_LOSS: loss, RATE: module.rates(), **values}
        return {name: tensor.cpu() for name, tensor in own.items()}

    def curves(self, run: Run, values: dict[str, Tensor]) -> dict[str, float]:
        """Return what is logged of one run's metrics ``[instance]``, by the curve's name."""
        curves = {name: tensor.nanmean().item() for name, tensor in values.items()}
        if run.size > 1:
            for index in evenly_spaced(run.size):
                label = self.labels[run][index]
                curves |= {
                    f"{name}/{label}": tensor[index].item() for name, tensor in values.items()
                }
        return curves
