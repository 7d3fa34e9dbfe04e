"""A W&B run for a whole sweep: its figures, and a table with a row for each instance."""

import os
from collections.abc import Sequence
from pathlib import Path

import pandas as pd
import wandb
import xarray as xr
from hydra.utils import instantiate
from lightning.pytorch.loggers import WandbLogger
from omegaconf import OmegaConf

from sup.figures.sweep import sweep_figures
from sup.metrics import PER_INSTANCE
from sup.results import join
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


def log_sweep(runs: Sequence[Run], results: Sequence[xr.Dataset]) -> None:
    """Log a sweep's figures and table to a W&B run named `sweep`, in the group of its runs.

    Does nothing for a single run, or where the sweep does not log to W&B.
    """
    logged = [run for run in runs if "wandb" in str(run.config.logger["_target_"])]
    if runs[0].group is None or not logged:
        return
    home = Path(os.path.commonpath([run.directory for run in runs]))
    whole = Run(
        OmegaConf.merge(logged[0].config, {"name": "sweep"}),  # pyright: ignore[reportArgumentType]
        directory=home if len(runs) > 1 else home.parent,
        name="sweep",
        group=runs[0].group,
    )
    joined = join(results)
    logger = instantiate(whole.config.logger)(whole)
    assert isinstance(logger, WandbLogger)
    try:
        pictures = {name: wandb.Image(figure) for name, figure in sweep_figures(joined).items()}
        table = wandb.Table(dataframe=instance_table(joined))
        logger.experiment.log({**pictures, "instances": table})
    finally:
        logger.experiment.finish()
