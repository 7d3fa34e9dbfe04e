"""Training from Python: without Hydra, and without files unless they are asked for."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import xarray as xr

from sup.config.rules import SettingError
from sup.config.run import Run
from sup.config.settings import Settings
from sup.model.building import check_parts
from sup.results.joining import join
from sup.sweep.draw import draw
from sup.sweep.failures import RunError
from sup.sweep.train import train as train_runs
from sup.system.signals import Stopped


def train(
    settings: Settings | Sequence[Settings] | None = None,
    *,
    directory: str | Path | None = None,
    progress: bool = False,
    **changes: Any,
) -> xr.Dataset:
    """Train toy models, all that fit into one stack at once.

    Args:
        settings: what to train, one `Settings` or several; None: the defaults.
        directory: where to write what a command would write; None: nothing is written. What is
            finished there already is loaded, what was interrupted goes on.
        progress: whether to show a bar, in a terminal or a notebook.
        changes: of the settings, by the names that `Settings` takes: ``sparsity=[0, 0.9]``,
            ``importance_decay=0.8``. A list of numbers is an axis. ``activation`` may be a list
            too: of names, functions, classes or modules.

    Returns:
        The results: a dataset whose dimensions are the axes by name (``activation`` where it was a
        list), then those of an instance. Its variables are those of `sup.load_run`.

    Raises:
        SettingError: for a setting that cannot be.
        RunError: where a model cannot be trained; its cause says why.
    """
    given = [settings or Settings()] if not isinstance(settings, Sequence) else settings
    wanted = [one.changed(**own) for one in given for own in each_activation(changes)]
    runs = list(described(wanted, directory, progress))
    for run in runs:
        check(run)
    try:
        results = train_runs(runs)
        draw(runs, results)
    except Stopped as stopped:  # a notebook is interrupted, and not ended
        raise KeyboardInterrupt from stopped
    for result in results:
        if isinstance(result, RunError):
            raise result
    joined = join([result for result in results if isinstance(result, xr.Dataset)])
    is_axis = isinstance(changes.get("activation"), (list, tuple))
    alone = is_axis and "activation" not in joined.dims
    return joined.expand_dims("activation") if alone else joined


def each_activation(changes: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the changes for each activation, where a list of them is among the changes."""
    chosen = changes.get("activation")
    if not isinstance(chosen, (list, tuple)):
        return [changes]
    if not chosen:
        raise SettingError("activation", [], "the list is empty")
    return [changes | {"activation": activation} for activation in chosen]


def described(
    wanted: Sequence[Settings], directory: str | Path | None, progress: bool
) -> Iterator[Run]:
    """Yield the runs of some settings: of several, each in a directory of its own."""
    home = None if directory is None else Path(directory).absolute()
    for number, settings in enumerate(wanted):
        callbacks = dict(settings.callbacks)
        if not progress:
            callbacks.pop("progress", None)
        place = home and (home / str(number) if len(wanted) > 1 else home)
        name = str(settings.name or settings.activation.name)
        yield Run(replace(settings, callbacks=callbacks), place, name, home=home)


def check(run: Run) -> None:
    """Check what a run asks for.

    Raises:
        SettingError: for what cannot be.
    """
    check_parts(run.settings)
    logger = run.settings.logger.name
    if run.directory is None and logger != "none":
        raise SettingError("logger", logger, "needs a directory to write to")
