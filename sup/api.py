"""Training from Python: without Hydra, and without files unless they are asked for."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import xarray as xr

from sup.config.rules import SettingError
from sup.config.run import Run
from sup.config.settings import Settings, as_plain
from sup.results.joining import join
from sup.sweep import lock
from sup.sweep.check import check
from sup.sweep.draw import draw
from sup.sweep.failures import RunError
from sup.sweep.page import write_page
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
            finished there already is loaded, what was interrupted goes on. Several activations or
            settings have a directory each in it, and a table, as the jobs of a sweep.
        progress: whether to show a bar, in a terminal or a notebook.
        changes: of the settings, by the names that `Settings` takes: ``sparsity=[0, 0.9]``,
            ``importance_decay=0.8``. A list of numbers is an axis. ``activation`` may be a list
            too: of names, functions, classes or modules.

    Returns:
        The results: a dataset whose dimensions are the axes by name (``activation`` where it was a
        list), then those of an instance. Its variables are those of `sup.load_run`.

    Raises:
        SettingError: for a setting that cannot be.
        RunError: where a model cannot be trained; its cause says why, and its `results` are those
            of the others.
    """
    activations = as_plain(changes.get("activation"))
    is_axis = isinstance(activations, list)
    each = [changes | {"activation": one} for one in activations] if is_axis else [changes]
    wanted = [given.changed(**own) for given in as_settings(settings) for own in each]
    is_sweep = is_axis or len(wanted) > 1
    home = None if directory is None else Path(directory).absolute()
    runs = [
        described(given, home and (home / str(k) if is_sweep else home), home, progress)
        for k, given in enumerate(wanted)
    ]
    check_together(runs, is_axis)
    check(runs)
    with lock.held(home):
        results = trained(runs)
        if home and is_sweep:
            write_page(home, runs, results)
    return joined(results, is_axis)


def as_settings(given: Any) -> list[Settings]:
    """Return what is to be trained as a list.

    Raises:
        SettingError: where it is something else.
    """
    listed = [Settings()] if given is None else list(given) if is_list(given) else [given]
    for settings in listed:
        if not isinstance(settings, Settings):
            allowed = "must be sup.Settings; what differs is given by name: activation='relu'"
            raise SettingError("settings", settings, allowed)
    if not listed:
        raise SettingError("settings", [], "the list is empty")
    return listed


def is_list(value: Any) -> bool:
    """Tell lists and tuples from all else."""
    return isinstance(value, (list, tuple))


def described(settings: Settings, directory: Path | None, home: Path | None, progress: bool) -> Run:
    """Describe the run of some settings."""
    name = settings.activation.name
    without = () if progress else ("progress",)
    overrides = (f"activation={name}",)
    return Run(settings, directory, str(settings.name or name), overrides, None, home, without)


def check_together(runs: Sequence[Run], is_axis: bool) -> None:
    """Check what runs of a command cannot ask, but those of Python could.

    Raises:
        SettingError: for the first that does.
    """
    if not runs:
        raise SettingError("activation", [], "the list is empty")
    names = [run.settings.activation.name for run in runs]
    twice = next((name for name in names if names.count(name) > 1), None)
    if is_axis and twice:
        advice = "stands twice; name them apart: sup.Part(function, name='mine')"
        raise SettingError("activation", twice, advice)
    for run in runs:
        logger, resume = run.settings.logger.name, run.settings.resume
        if run.directory is None and logger != "none":
            raise SettingError("logger", logger, "needs a directory to write to")
        if resume is True:
            raise SettingError("resume", resume, "is a command's; here the same directory does it")


def trained(runs: Sequence[Run]) -> list[xr.Dataset | RunError]:
    """Train runs and draw their figures; an interrupted notebook goes on."""
    try:
        results = train_runs(runs)
        draw(runs, results)
    except Stopped as stopped:
        raise KeyboardInterrupt from stopped
    return results


def joined(results: Sequence[xr.Dataset | RunError], is_axis: bool) -> xr.Dataset:
    """Join the results of runs.

    Raises:
        RunError: the first among them, with the results of the others.
    """
    sound = [result for result in results if isinstance(result, xr.Dataset)]
    together = join(sound) if sound else None
    if together is not None and is_axis and "activation" not in together.dims:
        together = together.expand_dims("activation")
    for result in results:
        if isinstance(result, RunError):
            result.results = together
            raise result
    assert together is not None
    return together
