"""What a command says at its end: a row for each run, and where everything is."""

import os
import shlex
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

import xarray as xr
from rich.console import Console
from rich.table import Table

from sup.config.run import Run
from sup.config.several import is_wandb
from sup.sweep.failures import RunError
from sup.training.loggers import unsent, wandb_home

COLUMNS = {
    "loss": ("loss", ".3g"),
    "dimensions_per_feature": ("dims per feature", ".3f"),
    "total_dimensionality": ("sum D_i", ".2f"),
    "features_represented": ("represented", ".0f"),
}
"""The table's columns: the variable of the results, its heading, and how to write a number."""


def table(runs: Sequence[Run], outcomes: Sequence[xr.Dataset | RunError]) -> Table:
    """Return the end table; a run with several instances shows their range."""
    rows = Table(box=None, pad_edge=False)
    rows.add_column("run", overflow="fold")
    for heading, _ in COLUMNS.values():
        rows.add_column(heading, justify="right")
    for run, outcome in zip(runs, outcomes, strict=True):
        cells = ["-"] * len(COLUMNS)
        if not isinstance(outcome, RunError):
            cells = [
                _range(outcome[name], form) if name in outcome else "-"
                for name, (_, form) in COLUMNS.items()
            ]
        rows.add_row(run.name, *cells)
    return rows


def remarks(runs: Sequence[Run], outcomes: Sequence[xr.Dataset | RunError]) -> list[str]:
    """Return a line for each run that failed or diverged."""
    lines = []
    for run, outcome in zip(runs, outcomes, strict=True):
        if isinstance(outcome, RunError):
            lines.append(f"failed: {run.name}: {outcome.reason}")
        elif count := int(outcome["diverged"].sum()):
            size, step = outcome["loss"].size, int(outcome["first_bad_step"].min())
            those = "" if size == 1 else f" ({count} of {size} instances, the first)"
            lines.append(f"diverged: {run.name}: frozen at step {step}{those}")
    return lines


def _range(values: xr.DataArray, form: str) -> str:
    if values.isnull().all():
        return "-"
    low, high = f"{values.min().item():{form}}", f"{values.max().item():{form}}"
    return low if low == high else f"{low} to {high}"


def terminal() -> Console:
    """Return the console to write to; one that is no terminal is wide enough for any table."""
    return Console(highlight=False, markup=False, width=None if sys.stdout.isatty() else 120)


def report(runs: Sequence[Run], outcomes: Sequence[xr.Dataset | RunError]) -> None:
    """Print the end table, where the results are, and how to look at offline W&B runs."""
    console = terminal()
    console.print(table(runs, outcomes))
    for line in remarks(runs, outcomes):
        console.print(line, soft_wrap=True)
    if all(isinstance(outcome, RunError) for outcome in outcomes):
        return
    home = Path(os.path.commonpath([run.directory for run in runs if run.directory]))
    swept = runs[0].group is not None
    sweep = home.parent if swept and len(runs) == 1 else home
    load = "load_run" if len(runs) == 1 else "load_sweep"
    shown = os.path.relpath(home)
    console.print(f"\nresults: {shown}\n  sup.{load}({shown!r})", soft_wrap=True)
    offline = [folder for run in runs for folder in offline_folder(run)]
    if offline:
        place = shlex.quote(os.path.relpath(wandb_home(sweep)))
        kind = "offline-run-*" if all("offline" in one.name for one in offline) else "*run-*"
        places = [place, f"{place}/*"] if swept else [place]  # the sweep's own lies beside its jobs
        uploads = [f"{where}/wandb/{kind}" for where in places]
        console.print(
            f"W&B, offline ({len(offline)} run{'s' * (len(offline) > 1)}):\n"
            f"  look:   {wandb_command()} leet {shlex.quote(os.path.relpath(offline[0]))}\n"
            f"  upload: {wandb_command()} sync {' '.join(uploads)}",
            soft_wrap=True,
        )


def wandb_command() -> str:
    """Return how to start W&B's command as things are: the environment may not be activated."""
    own = Path(sys.executable).with_name("wandb")
    if (found := shutil.which("wandb")) and os.path.realpath(found) == os.path.realpath(own):
        return "wandb"
    if not own.exists():
        return f"{shlex.quote(sys.executable)} -m wandb"
    near = os.path.relpath(own)
    return shlex.quote(min(near if "/" in near else f"./{near}", str(own), key=len))


def offline_folder(run: Run) -> list[Path]:
    """Return where a run's W&B data are, if it wrote any and has not sent them."""
    if not is_wandb(run.settings.logger) or run.directory is None:
        return []
    return unsent(run.directory)[
        -1:
    ]  # earlier ones are of an earlier command in the same directory
