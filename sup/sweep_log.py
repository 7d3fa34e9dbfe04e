"""A W&B run for a whole sweep: its figures, and a table with a row for each instance."""

import os
from collections.abc import Sequence
from pathlib import Path

import pandas as pd
import wandb
import xarray as xr
from hydra.utils import instantiate
from lightning.pytorch.loggers import WandbLogger
from matplotlib.figure import Figure
from omegaconf import OmegaConf

from sup.figures.sweep import activation_figures, sweep_figures
from sup.kinds import kind_of
from sup.metrics import PER_INSTANCE
from sup.results import join, load_run
from sup.run import Run

MOST_ROWS = 200_000
"""Rows that W&B keeps of one table."""


def instance_table(results: xr.Dataset) -> pd.DataFrame:
    """Return one row for each instance of a sweep: its settings, loss and measures."""
    measured = results[["loss", *PER_INSTANCE]]
    settings = [str(name) for name in results["loss"].dims]
    if not settings:
        row = {name: [value.item()] for name, value in measured.data_vars.items()}
        return pd.DataFrame(row)
    table = measured.reset_coords(drop=True).to_dataframe().reset_index()
    finite = table[table["loss"].notna()]
    return pd.DataFrame(finite, columns=[*settings, *measured.data_vars]).head(MOST_ROWS)


def log_sweep(runs: Sequence[Run]) -> None:
    """Log a sweep's figures and table to a W&B run named `sweep`, in the group of its runs.

    Does nothing where the sweep does not log to W&B. A figure that cannot be drawn is said so and
    left out: the sweep's results are complete without it.
    """
    logged = [run for run in runs if "wandb" in str(run.config.logger["_target_"])]
    if not logged:
        return
    results = join([load_run(run.directory) for run in runs])
    logger = instantiate(logged[0].config.logger)(whole_sweep(runs, logged[0]))
    assert isinstance(logger, WandbLogger)
    try:
        pictures = {name: wandb.Image(figure) for name, figure in drawn(runs, results).items()}
        table = wandb.Table(dataframe=instance_table(results))
        logger.experiment.log({**pictures, "instances": table})
    finally:
        logger.experiment.finish()


def drawn(runs: Sequence[Run], results: xr.Dataset) -> dict[str, Figure]:
    """Return a sweep's figures; those of each activation too if it is the article's experiment."""
    try:
        figures = sweep_figures(results)
        if runs[0].choices.get("experiment") and kind_of(results) == "bottleneck":
            figures |= activation_figures(results)
    except Exception as error:  # unforeseen shapes: as many kinds of error as there are figures
        print(f"warning: no figures of this sweep ({type(error).__name__}: {error})")
        return {}
    return figures


def whole_sweep(runs: Sequence[Run], first: Run) -> Run:
    """Describe a sweep as a run of its own: its settings are those that all its runs share."""
    settings = [run.settings for run in runs]
    shared = {
        key: value
        for key, value in first.settings.items()
        if all(other.get(key) == value for other in settings)
    }
    home = Path(os.path.commonpath([run.directory for run in runs]))
    return Run(
        OmegaConf.create({**shared, "name": "sweep", "tags": first.settings["tags"]}),
        directory=home if len(runs) > 1 else home.parent,
        name="sweep",
        group=first.group,
    )
