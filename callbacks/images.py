"""Log pictures of `W^T W` during training."""

import lightning.pytorch as pl
from lightning.pytorch.loggers import Logger

from sup.callbacks.base import StackCallback
from sup.config.run import Run
from sup.training.loggers import log_image, takes_pictures
from sup.training.module import SuperpositionModule
from sup.training.names import GRAM
from sup.training.schedule import log_spaced
from sup.training.stack import Stack


class GramImages(StackCallback):
    """Logs one picture of `W^T W` for each run at log-spaced steps and at the end.

    A run with a grid shows at most 16 instances in it, evenly spaced through the grid, and a large
    model at most 200 of its features. Nothing is painted for a logger that takes no pictures.
    """

    def __init__(self, stack: Stack, loggers: dict[Run, Logger]):
        super().__init__(stack, loggers)
        self.steps = set(log_spaced(stack.settings.steps))
        self.takers = {run for run, logger in loggers.items() if takes_pictures(logger)}

    def after_chunk(self, trainer: pl.Trainer, module: SuperpositionModule) -> None:
        """Paint and log, where the chunk ended at one of the steps."""
        if not self.takers or module.step not in self.steps:
            return
        from sup.figures.tiles import grid_picture  # matplotlib, where there are pictures

        W = module.autoencoder.W.detach().cpu()
        for run, logger, place in self.logged():
            if run not in self.takers:
                continue
            picture = grid_picture(W[place].numpy(), run.settings.grid)
            log_image(logger, GRAM, picture, module.step)
