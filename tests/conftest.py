"""Fixtures: configs, runs and whole commands, in this process."""

import contextlib
import functools
import logging
import os
import runpy
import shutil
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import checking
import hypothesis
import pytest
from commands import Outcome, hide_gpus, silent_afterwards
from hydra import initialize_config_dir
from hydra.core.config_store import ConfigStore
from hydra.core.global_hydra import GlobalHydra
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf, open_dict

checking.install()

# Time is measured in benchmarks, never in tests.
hypothesis.settings.register_profile("plain", deadline=None)
hypothesis.settings.load_profile("plain")

# Two tests run at a time, and OpenMP's threads wait by spinning: two trainings with two threads
# each slow each other several times over. Before torch is imported; commands inherit it.
os.environ.setdefault("OMP_NUM_THREADS", "1")

# Without a GPU, kernels for one run in Triton's interpreter, asked for before they are made.
if not shutil.which("nvidia-smi"):
    os.environ.setdefault("TRITON_INTERPRET", "1")

# What a shell starts in the background ignores Ctrl-C, which some tests send.
if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

ROOT = Path(__file__).parent.parent


LONGEST = (
    *("test_documented.py", "test_page.py", "test_bad_input.py", "test_restart.py"),
    *("test_notebooks.py", "test_triton_training.py", "test_train.py", "test_experiments.py"),
    *("test_any_results.py", "test_optimum.py", "test_site.py", "test_local.py"),
)
"""The files that begin first, the longest of all before the others, so that the two processes end
together."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what takes longest; xdist keeps the tests of a file in one process."""
    places = {name: place for place, name in enumerate(LONGEST)}
    items.sort(key=lambda item: places.get(item.path.name, len(LONGEST)))


def pytest_runtest_setup() -> None:
    """Have shapes checked anew."""
    checking.calls.clear()


@pytest.fixture(autouse=True)
def _silent() -> Iterator[None]:
    with silent_afterwards():
        yield


@pytest.fixture(autouse=True)
def _no_account(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("WANDB_MODE", "WANDB_API_KEY", "HYDRA_FULL_ERROR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("NETRC", "/nonexistent")


@pytest.fixture(autouse=True)
def _no_gpu(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if "gpu" not in request.keywords:
        hide_gpus(monkeypatch)


@functools.cache
def composing() -> tuple[Any, DictConfig]:
    """Return what composes jobs as Hydra does, in a fraction of its time, and what they are of."""
    from sup.cli import store
    from sup.cli.composing import SweepLoader

    store.register()
    with initialize_config_dir(str(ROOT / "conf"), version_base="1.3"):
        hydra = GlobalHydra.instance().hydra
        assert hydra
        master = hydra.config_loader.load_configuration("config", [], RunMode.MULTIRUN)
        return SweepLoader(hydra.config_loader), master


@pytest.fixture
def config() -> Callable[..., DictConfig]:
    """Compose a config from overrides, Hydra's own part in it."""

    def composed(*overrides: str) -> DictConfig:
        loader, master = composing()
        return loader.load_sweep_config(master, list(overrides))

    return composed


@pytest.fixture
def settings(config: Callable[..., DictConfig]) -> Callable:
    """Make the settings of a run from overrides, as a command does."""

    def made(*overrides: str):
        from sup.cli.jobs import names_of
        from sup.config.settings import Settings

        composed = config(*overrides)
        names = names_of(composed.hydra)
        with open_dict(composed):
            del composed["hydra"]
        plain: Any = OmegaConf.to_container(composed, resolve=True)
        return Settings.of_config(plain, names)

    return made


@pytest.fixture
def make_run(settings: Callable, tmp_path: Path) -> Callable:
    """Describe a run that writes below tmp_path, without W&B, progress bar and figures."""
    count = 0

    def made(*overrides: str):
        from sup.config.run import Run

        nonlocal count
        count += 1
        quiet = ("logger=none", "~callbacks.progress", "~callbacks.images", "figures=none")
        directory = tmp_path / f"run-{count}"
        directory.mkdir()
        name = " ".join(overrides)
        return Run(settings(*quiet, *overrides), directory, name=name, home=tmp_path)

    return made


@pytest.fixture
def no_figures(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave out the figures of commands in this process, which take longer than their training."""
    monkeypatch.setattr("sup.sweep.draw.NAMES", ())
    monkeypatch.setattr("sup.figures.sweep.sweep_figures", lambda results: {})


@pytest.fixture
def train_runs() -> Callable:
    """Train runs as few stacks as they allow and return their results."""

    def trained(*runs):
        from sup.sweep.failures import RunError
        from sup.sweep.train import train

        results = train(runs)
        for result in results:
            if isinstance(result, RunError):
                raise result
        return results

    return trained


@pytest.fixture
def command(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> Iterator[Callable[..., Outcome]]:
    """Run `python train.py ARGUMENTS` in this process, with tmp_path as the working directory."""
    monkeypatch.syspath_prepend(str(ROOT))
    monkeypatch.chdir(tmp_path)
    handlers = logging.root.handlers[:]

    def ran(*arguments: str) -> Outcome:
        GlobalHydra.instance().clear()
        monkeypatch.setattr(sys, "argv", [str(ROOT / "train.py"), *arguments])
        capfd.readouterr()
        status, line = 0, ""
        try:
            runpy.run_path(str(ROOT / "train.py"), run_name="__main__")
        except SystemExit as end:
            status, line = (1, end.code) if isinstance(end.code, str) else (end.code or 0, "")
        finally:
            monkeypatch.delenv("HYDRA_FULL_ERROR", raising=False)
        out, error = capfd.readouterr()
        return Outcome(int(status), out, error + line)

    yield ran
    GlobalHydra.instance().clear()
    for options in ConfigStore.instance().repo.values():  # what `rerun=` offers, to that command
        if isinstance(options, dict):
            for name in [one for one in options if one.startswith("rerun")]:
                del options[name]
    with contextlib.suppress(ValueError):
        logging.root.handlers[:] = handlers
