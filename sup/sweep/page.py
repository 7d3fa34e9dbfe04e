"""What a sweep leaves behind as a whole: a table of its jobs, figures, and a W&B run for both.

All of it is made from the directory of the sweep, so that it covers the jobs of every command that
was given there, however their runs were trained.
"""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd
import wandb
import xarray as xr
from hydra.utils import instantiate
from lightning.pytorch.loggers import WandbLogger
from matplotlib.figure import Figure
from omegaconf import DictConfig, OmegaConf

from sup.analysis.experiment import kind_of
from sup.analysis.metrics import PER_INSTANCE
from sup.config.grid import as_dict
from sup.config.run import Run, own_choices, sweep_name
from sup.figures import write
from sup.figures.sweep import activation_figures, sweep_figures
from sup.results.making import setting_coordinates
from sup.results.storage import FILE, finite, in_order, join, load_run
from sup.sweep import failures
from sup.system.files import replacing
from sup.training.loggers import forget_offline

TABLE = "sweep.csv"

MOST_ROWS = 200_000
"""Rows that W&B keeps of one table."""


@dataclass(frozen=True)
class Job:
    """One job of a sweep, as its directory tells.

    Args:
        sweep: the sweep's directory.
        directory: where it writes.
    """

    sweep: Path
    directory: Path

    @property
    def name(self) -> str:
        """Where its directory is in the sweep's."""
        return str(self.directory.relative_to(self.sweep))

    @property
    def reason(self) -> str | None:
        """Why it failed; None where it has results, or was not trained yet."""
        return None if self.results is not None else failures.reason(self.directory)

    @cached_property
    def config(self) -> DictConfig:
        """Its composed config."""
        config = OmegaConf.load(self.directory / ".hydra" / "config.yaml")
        assert isinstance(config, DictConfig)
        return config

    @cached_property
    def overrides(self) -> dict[str, str]:
        """The overrides that Hydra made the job of, by key; resumed, it is still what it was."""
        lines: Any = OmegaConf.load(self.directory / ".hydra" / "overrides.yaml")
        parts = (str(line).lstrip("+~").partition("=") for line in lines)
        return {key: value for key, _, value in parts if key != "resume"}

    @cached_property
    def results(self) -> xr.Dataset | None:
        """Its results, if there are any."""
        return load_run(self.directory) if (self.directory / FILE).is_file() else None

    def settings(self) -> xr.Dataset:
        """Return its settings as its results would have them, without any measure."""
        hydra = OmegaConf.load(self.directory / ".hydra" / "hydra.yaml").hydra
        run = Run(self.config, self.directory, self.name, choices=own_choices(hydra))
        return xr.Dataset(coords=setting_coordinates(run))

    def row(self) -> dict[str, Any]:
        """Return its line in the table."""
        results, reason = self.results, self.reason
        row: dict[str, Any] = {"job": self.name, **self.overrides}
        if results is None:
            return row | {"status": "failed" if reason else "unfinished", "reason": reason}
        row |= {"status": "finished", "instances": results["loss"].size}
        row["diverged"] = int(results["diverged"].sum())
        row["first_bad_step"] = float(results["first_bad_step"].min())
        row |= {name: float(results[name].mean()) for name in ("loss", *PER_INSTANCE)}
        return row | {"wall_time": float(results.attrs["wall_time"])}


def jobs_in(sweep: Path) -> list[Job]:
    """Return the jobs in a sweep's directory, in their order."""
    records = in_order(sweep.rglob(".hydra/overrides.yaml"))
    return [Job(sweep, record.parent.parent) for record in records]


def write_table(sweep: Path, jobs: Sequence[Job]) -> Path:
    """Write the table of a sweep's jobs and return where it is."""
    with replacing(sweep / TABLE) as unfinished:
        pd.DataFrame([job.row() for job in jobs]).to_csv(unfinished, index=False)
    return sweep / TABLE


def show(sweep: Path, jobs: Sequence[Job]) -> None:
    """Write a sweep's figures, and log them with the table to W&B, where its jobs do.

    What cannot be drawn or logged is said so: the sweep's results are complete without it.
    """
    finished = [job.results for job in jobs if job.results is not None]
    try:
        figures, tables = {}, {"jobs": pd.read_csv(sweep / TABLE, dtype=str).fillna("")}
        if finished:
            # Where a job has no results, its figures have a gap and not one row or column less.
            gaps = [job.settings() if job.results is None else job.results for job in jobs]
            figures = drawn(jobs[0], join(gaps))
            tables["instances"] = instance_table(join(finished))
        for name, figure in figures.items():
            write(figure, sweep / "figures" / f"{name.replace('/', '-')}.png")
        log_page(sweep, jobs, figures, tables)
    except Exception as error:  # unforeseen shapes, no connection: as many kinds as there are parts
        print(f"warning: the sweep's figures: {failures.in_one_line(error)}", file=sys.stderr)


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


def log_page(
    sweep: Path,
    jobs: Sequence[Job],
    figures: dict[str, Figure],
    tables: dict[str, pd.DataFrame],
) -> None:
    """Log figures and tables to a W&B run named `sweep`, in the group of the sweep's runs."""
    logged = [job for job in jobs if "wandb" in str(job.config.logger["_target_"])]
    if not logged:
        return
    forget_offline(sweep)
    logger = instantiate(logged[0].config.logger)(whole_sweep(sweep, logged))
    assert isinstance(logger, WandbLogger)
    try:
        pictures = {name: wandb.Image(figure) for name, figure in figures.items()}
        rows = {name: wandb.Table(dataframe=table) for name, table in tables.items()}
        logger.experiment.log({**pictures, **rows})
    finally:
        logger.experiment.finish()


def drawn(first: Job, results: xr.Dataset) -> dict[str, Figure]:
    """Return a sweep's figures; those of each activation too if it is the article's experiment."""
    results = finite(results)
    figures = sweep_figures(results)
    if "experiment" in first.overrides and kind_of(results) == "bottleneck":
        figures |= activation_figures(results)
    return figures


def whole_sweep(sweep: Path, jobs: Sequence[Job]) -> Run:
    """Describe a sweep as a run of its own: its settings are those that all its runs share."""
    settings = [as_dict(job.config) for job in jobs]
    shared = {
        key: value
        for key, value in settings[0].items()
        if all(other.get(key) == value for other in settings)
    }
    config = OmegaConf.create({**shared, "name": "sweep", "tags": settings[0]["tags"]})
    return Run(config, directory=sweep, name="sweep", group=sweep_name(sweep))
