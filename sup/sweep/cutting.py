"""Cutting a run that is too large to be trained at once, and joining what became of its parts.

A part is a run of its own, with a part of the grid and a directory below that of the whole. Nothing
that trains a run need know of it.
"""

import shutil
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace

import xarray as xr
from omegaconf import DictConfig, OmegaConf

from sup.analysis.metrics import PER_INSTANCE
from sup.config.grid import dimension
from sup.config.run import Run
from sup.figures.gram import gram_picture
from sup.figures.style import evenly_spaced
from sup.results.making import run_attributes
from sup.results.storage import join, load_run, save
from sup.sweep.failures import in_one_line
from sup.training.loggers import log_image, open_loggers

FOLDER = "parts"
SILENT = {"_target_": "sup.training.loggers.no_logger", "_partial_": True}
"""The logger of parts: the curves of a run are of all its instances."""


def cut(run: Run, fits: Callable[[Run], bool]) -> list[Run]:
    """Cut a run into parts that fit, by halves; what cannot be halved any more is left as it is.

    Args:
        run: a run.
        fits: tells whether a run is small enough.

    Returns:
        The run itself where it fits, else its parts in the order of its grid.
    """
    configs = _halved(run, fits)
    if len(configs) == 1:
        return [run]
    return [
        replace(
            run,
            config=config,
            directory=run.directory / FOLDER / f"{number}-of-{len(configs)}",
            name=f"{run.name} (part {number} of {len(configs)})",
            whole=run,
        )
        for number, config in enumerate(configs, 1)
    ]


def _halved(run: Run, fits: Callable[[Run], bool]) -> list[DictConfig]:
    axes = run.grid.axes
    if run.grid.size == 1 or fits(run):
        return [run.config]
    key = max(axes, key=lambda axis: len(axes[axis]))
    middle = len(axes[key]) // 2
    halves = []
    for values in (axes[key][:middle], axes[key][middle:]):
        config = run.config.copy()
        OmegaConf.update(config, key, values)
        config.logger = SILENT
        halves += _halved(replace(run, config=config), fits)
    return halves


def put_together(parts: Sequence[Run]) -> None:
    """Log the curves of a whole run, write its results, and remove its parts.

    Args:
        parts: all parts of one run, with results.
    """
    whole = parts[0].whole
    assert whole is not None
    held = [load_run(part.directory) for part in parts]
    results = join(held).transpose(*map(dimension, whole.grid.axes), ...)
    results.attrs |= run_attributes(whole) | {
        "wall_time": sum(float(one.attrs["wall_time"]) for one in held),
        "instances_in_stack": max(int(one.attrs["instances_in_stack"]) for one in held),
    }
    try:
        log_curves(whole, results)
    except Exception as error:  # no connection, say; the results are complete without them
        print(f"warning: curves of {whole.name}: {in_one_line(error)}", file=sys.stderr)
    save(results, whole.directory)
    remove_parts(whole)


def remove_parts(run: Run) -> None:
    """Remove what is left of the parts of a run that is finished."""
    shutil.rmtree(run.directory / FOLDER, ignore_errors=True)


def log_curves(run: Run, results: xr.Dataset) -> None:
    """Log the curves of a run whose parts were trained apart."""
    steps = results["step"].values.tolist()
    losses = (
        results["training_loss"].mean([dimension(key) for key in run.grid.axes]).values.tolist()
    )
    final = {name: float(results[name].mean()) for name in ("loss", *PER_INSTANCE)}
    final["held_out_loss"] = final.pop("loss")
    W = results["W"].values.reshape(run.grid.size, *results["W"].shape[-2:])
    with open_loggers([run]) as loggers:
        for step, loss in zip(steps, losses, strict=True):
            loggers[run].log_metrics({"loss": loss}, step)
        loggers[run].log_metrics(final, steps[-1])
        picture = gram_picture(W[evenly_spaced(run.grid.size)])
        log_image(loggers[run], "W^T W", picture, steps[-1])
