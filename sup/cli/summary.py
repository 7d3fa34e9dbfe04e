"""What a command says at its end: a row for each run, and where everything is."""

import os
import shlex
import shutil
import sys
from collections.abc import Sequence
from math import inf, isfinite
from pathlib import Path

import xarray as xr
from rich.console import Console
from rich.table import Table

from sup.config.run import Run
from sup.config.several import is_wandb
from sup.results.storage import FILE
from sup.sweep.failures import RunError
from sup.sweep.page import TABLE
from sup.training.loggers import unsent, wandb_home
from sup.training.names import GALLERY

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
    by = next((run.settings.sort for run in runs if run.settings.sort), None)
    columns = columns_with(by)
    for heading, _ in columns.values():
        rows.add_column(heading, justify="right")
    for run, outcome in ordered(list(zip(runs, outcomes, strict=True)), by):
        cells = ["-"] * len(columns)
        if not isinstance(outcome, RunError):
            cells = [
                _range(outcome[name], form) if name in outcome else "-"
                for name, (_, form) in columns.items()
            ]
        rows.add_row(run.name, *cells)
    return rows


def columns_with(by: str | None) -> dict[str, tuple[str, str]]:
    """Return the table's columns, with the one by which it is sorted."""
    name = (by or "loss").removeprefix("-")
    return COLUMNS if name in COLUMNS else {**COLUMNS, name: (name.replace("_", " "), ".3g")}


def ordered(
    rows: list[tuple[Run, xr.Dataset | RunError]], by: str | None
) -> list[tuple[Run, xr.Dataset | RunError]]:
    """Return runs by a measure's mean over their models; last those that have none.

    Args:
        rows: each run, with what became of it, in the order of their jobs.
        by: the measure, with a - before it for the highest first; None: as they are.
    """
    if by is None:
        return rows
    sign, name = (-1, by[1:]) if by.startswith("-") else (1, by)

    def place(row: tuple[Run, xr.Dataset | RunError]) -> float:
        _, outcome = row
        if isinstance(outcome, RunError) or name not in outcome:
            return inf
        mean = float(outcome[name].mean())
        return sign * mean if isfinite(mean) else inf

    return sorted(rows, key=place)


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
    """Print the end table, and what is to be said of single runs."""
    console = terminal()
    console.print(table(runs, outcomes))
    for line in remarks(runs, outcomes):
        console.print(line, soft_wrap=True)


def close(outcomes: Sequence[tuple[Run, xr.Dataset | RunError]], sweep: Path | None = None) -> None:
    """Print a command's last lines: where everything is, and at the very end what to open.

    Args:
        outcomes: what became of each run.
        sweep: the directory, of a sweep; None: of a single run.
    """
    runs = [run for run, outcome in outcomes if not isinstance(outcome, RunError)]
    home = sweep or next((run.directory for run in runs), None)
    if not runs or home is None:
        return
    console = terminal()
    shown, load = os.path.relpath(home), "load_sweep" if sweep else "load_run"
    console.print(f"\nresults: {shown}\n  sup.{load}({shown!r})", soft_wrap=True)
    print_offline(console, runs, home)
    if sweep:
        console.print(f"table of the jobs: {shown}/{TABLE}", soft_wrap=True)
    console.print(f"open: {os.path.relpath(first_to_open(home))}", soft_wrap=True)


FIRST = (GALLERY, "phases", "families", "dimensions", "gram")
"""Figures that show the most at once, by file name, the first that there is being opened first."""


def first_to_open(home: Path) -> Path:
    """Return the figure of a run or a sweep to begin with; without any, its table or results."""
    figures = sorted((home / "figures").glob("*.*"))
    for name in FIRST:
        if found := [path for path in figures if path.stem == name]:
            return next((path for path in found if path.suffix == ".png"), found[0])
    rest = [path for path in figures if "-" not in path.stem]  # those of single activations
    others = [*rest, home / TABLE, home / FILE]
    return next((path for path in others if path.is_file()), home)


def print_offline(console: Console, runs: Sequence[Run], home: Path) -> None:
    """Print how to look at the W&B runs that were not sent, if there are any, and to send them."""
    swept = runs[0].group is not None
    offline = [folder for run in runs for folder in offline_folder(run)]
    if offline:
        place = shlex.quote(os.path.relpath(wandb_home(home)))
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
