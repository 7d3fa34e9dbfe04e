"""Write each run's results when its training ends."""

import lightning.pytorch as pl

from callbacks.base import StackCallback
from sup.config.settings import SettingError
from sup.results.making import Outcome, make_results
from sup.results.storage import save
from sup.training.data import UniformsDataModule
from sup.training.module import SuperpositionModule


class Results(StackCallback):
    """Evaluates the trained models on held-out samples and writes `results.nc`."""

    def on_train_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Write every run's results, and log its held-out loss."""
        assert isinstance(pl_module, SuperpositionModule)
        data = trainer.datamodule  # pyright: ignore[reportAttributeAccessIssue]
        assert isinstance(data, UniformsDataModule)
        if pl_module.step != pl_module.measured[-1]:
            ended = f"the trainer ended after {pl_module.step} of them; no results are written"
            raise SettingError("steps", pl_module.measured[-1], ended)
        losses = pl_module.evaluate(data.held_out(pl_module.device))
        # What the last step has done to the loss, the next one would have shown.
        overflown = ~losses.isfinite() & (pl_module.diverged_at == 0)
        pl_module.diverged_at[overflown] = pl_module.step + 1
        attributes = {
            "device": str(pl_module.device),
            "wall_time": pl_module.seconds,
            "instances_in_stack": self.stack.size,
        }
        for run, place in self.stack.places:
            outcome = Outcome(
                W=pl_module.autoencoder.W[place],
                b=pl_module.autoencoder.b[place],
                loss=losses[place],
                training_loss=pl_module.training_loss[:, place],
                snapshots=pl_module.kept[:, place],
                diverged_at=pl_module.diverged_at[place],
            )
            steps, snapshots = pl_module.measured, pl_module.snapshots
            results = make_results(run, outcome, steps, snapshots, attributes)
            save(results, run.directory)
            final = {"held_out_loss": float(results["loss"].mean())}
            self.loggers[run].log_metrics(final, pl_module.step)
