"""What a sweep leaves behind as a whole: a table of its jobs, figures, and a W&B run for both.

It covers the jobs of every command that was given in the sweep's directory. What is found there is
read as data and nothing else: no setting of another command is made, resolved or obeyed.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pandas as pd
import xarray as xr

from sup.analysis.experiment import experiment_of
from sup.analysis.metrics import PER_INSTANCE
from sup.config.drawing import Drawing
from sup.config.flat import flat
from sup.config.rules import SettingError, in_one_line
from sup.config.run import Run, sweep_name
from sup.config.several import wandb_part
from sup.results.coordinates import setting_coordinates
from sup.results.joining import in_order, join
from sup.results.records import JOB, overrides_in
from sup.results.storage import FILE, finite, load_run
from sup.sweep import failures
from sup.sweep.failures import RunError
from sup.sweep.keep import instance_table
from sup.system.files import replacing
from sup.training.loggers import forget_unsent
from sup.training.names import INSTANCES, JOBS, LOSS, SWEEP

log = logging.getLogger(__name__)

TABLE = "sweep.csv"


@dataclass(frozen=True)
class Job:
    """One job of a sweep.

    Args:
        name: where its directory is in the sweep's.
        overrides: what Hydra made it of, by key.
        results: if there are any.
        reason: why it failed, if it did.
        run: if it is of this command.
    """

    name: str
    overrides: dict[str, str]
    results: xr.Dataset | None
    reason: str | None
    run: Run | None = None

    def row(self) -> dict[str, Any]:
        """Return its line in the table."""
        row: dict[str, Any] = {"job": self.name, **self.overrides}
        if self.results is None:
            status = "failed" if self.reason else "unfinished"
            return row | {"status": status, "reason": self.reason}
        results = self.results
        row |= {"status": "finished", "instances": results["loss"].size}
        row["diverged"] = int(results["diverged"].sum())
        row["first_bad_step"] = float(results["first_bad_step"].min())
        row |= {name: float(results[name].mean()) for name in measures_in(results)}
        return row | {"wall_time": float(results.attrs["wall_time"])}


def as_cells(row: dict[str, Any]) -> dict[str, Any]:
    """Return a row of the table whose words, headings too, a spreadsheet takes for no formulas."""
    return {_cell(key): _cell(value) for key, value in row.items()}


def _cell(value: Any) -> Any:
    """Put an apostrophe, which spreadsheets do not show, before what begins as a formula does."""
    if not isinstance(value, str) or not value.startswith(("=", "+", "-", "@", "\t", "\r")):
        return value
    try:
        float(value)
    except ValueError:
        return f"'{value}"
    return value


def jobs_of(
    sweep: Path, runs: Sequence[Run], results: Sequence[xr.Dataset | RunError]
) -> list[Job]:
    """Return the jobs in a sweep's directory, in their order.

    Args:
        sweep: the directory.
        runs: of this command.
        results: what became of each of them.
    """
    own = {run.directory: (run, held) for run, held in zip(runs, results, strict=True)}
    jobs = []
    records = sweep.absolute().rglob(JOB)
    known = {record.parent.parent for record in records} | {home for home in own if home}
    for directory in in_order(known):
        name = str(directory.relative_to(sweep.absolute()))
        if directory in own:
            run, held = own[directory]
            failed = isinstance(held, RunError)
            overrides = by_key(run.overrides)
            reason = held.reason if failed else None
            jobs.append(Job(name, overrides, None if failed else held, reason, run))
        else:
            jobs.append(found_in(directory, name))
    return jobs


def found_in(directory: Path, name: str) -> Job:
    """Return a job of an earlier command, as far as its directory tells."""
    overrides = by_key(overrides_in(directory / JOB) or [])
    results = None
    if (directory / FILE).is_file():
        try:
            results = load_run(directory)
        except SettingError as error:
            log.warning("%s", error)
    return Job(name, overrides, results, failures.reason(directory) if results is None else None)


def by_key(overrides: Sequence[str]) -> dict[str, str]:
    """Return overrides by key; what was resumed is still the job that it was."""
    parts = (line.lstrip("+~").partition("=") for line in overrides)
    return {key: value for key, _, value in parts if key != "resume"}


def write_page(sweep: Path, runs: Sequence[Run], results: Sequence[xr.Dataset | RunError]) -> Path:
    """Write a sweep's table and figures, and log them to W&B, where its jobs do.

    What cannot be drawn or logged is said so: the sweep's results are complete without it.

    Args:
        sweep: its directory.
        runs: of this command.
        results: what became of each of them.

    Returns:
        Where the table is.
    """
    jobs = jobs_of(sweep, runs, results)
    table = pd.DataFrame([as_cells(job.row()) for job in jobs])
    with replacing(sweep / TABLE) as unfinished:
        table.to_csv(unfinished, index=False, encoding="utf-8")
    try:
        formats = wanted_formats(runs)
        figures = drawn(jobs) if formats else {}
        write_figures(figures, sweep / "figures", formats)
        tables = {JOBS: table.astype(object).where(table.notna(), "").astype(str)}
        if finished := [job.results for job in jobs if job.results is not None]:
            tables[INSTANCES] = instance_table(join(finished))
        log_page(sweep, runs, jobs, figures, tables)
    except Exception as error:  # unforeseen shapes, no connection: as many kinds as there are parts
        log.warning("the sweep's figures: %s", in_one_line(error))
    return sweep / TABLE


def measures_in(results: xr.Dataset) -> list[str]:
    """Return the measures of an instance that results have; those of another version lack some."""
    return [name for name in (LOSS, *PER_INSTANCE) if name in results]


def drawn(jobs: Sequence[Job]) -> dict[str, Any]:
    """Return a sweep's figures; those of each activation too if it is the article's experiment.

    Where a job of this command has no results, its figures have a gap and not one row or column
    less.
    """
    shown = []
    for job in jobs:
        if job.results is not None:
            shown.append(job.results)
        elif job.run is not None:
            shown.append(xr.Dataset(coords=setting_coordinates(job.run.settings)))
    if all(not held.data_vars for held in shown):
        return {}
    from sup.figures.sweep import activation_figures, sweep_figures

    results = finite(join(shown))
    figures = sweep_figures(results)
    if "experiment" in jobs[0].overrides and experiment_of(results) == "bottleneck":
        figures |= activation_figures(results)
    return figures


def wanted_formats(runs: Sequence[Run]) -> list[str]:
    """Return as what a sweep's figures are written: each format that a run asks for; none: not."""
    each: list[Drawing] = [run.settings.figures.make(len(runs)) for run in runs]
    return list(dict.fromkeys(one for held in each if held.of_sweep for one in held.formats))


def write_figures(figures: dict[str, Any], folder: Path, formats: Sequence[str]) -> None:
    """Write a sweep's figures, as one or several formats."""
    if not figures:
        return
    from sup.figures.writing import write_each  # matplotlib, where there are figures

    for name, figure in figures.items():
        write_each(figure, folder, name.replace("/", "-"), formats)


def log_page(
    sweep: Path,
    runs: Sequence[Run],
    jobs: Sequence[Job],
    figures: dict[str, Any],
    tables: dict[str, pd.DataFrame],
) -> None:
    """Log to a W&B run named `sweep`, in the group of its jobs, what is of all of them.

    Their results are one artifact, in which they lie as in the sweep's directory.
    """
    logged = [run for run in runs if wandb_part(run.settings.logger)]
    if not logged:
        return
    from sup.training import wandb_logger

    logger: Any = wandb_part(logged[0].settings.logger)
    forget_unsent(sweep)
    configs = [flat(run.settings) for run in logged]
    shared = {
        key: value
        for key, value in configs[0].items()
        if all(other.get(key) == value for other in configs)
    }
    whole = replace(
        logged[0],
        settings=logged[0].settings.changed(name=SWEEP),
        directory=sweep,
        name=SWEEP,
        group=sweep_name(sweep),
        told=shared,
    )
    files = {
        f"{job.name}/{FILE}": sweep / job.name / FILE for job in jobs if job.results is not None
    }
    wandb_logger.log_page(logger.make(whole), figures, tables, files)
