"""Jobs of a sweep are composed just as Hydra composes them."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hydra import initialize_config_dir
from hydra._internal.config_loader_impl import ConfigLoaderImpl
from hydra._internal.hydra import Hydra
from hydra.core.config_loader import ConfigLoader
from hydra.core.global_hydra import GlobalHydra
from hydra.types import RunMode
from hypothesis import given, settings
from hypothesis import strategies as st
from omegaconf import DictConfig, OmegaConf

from sup.cli import store
from sup.cli.composing import SweepLoader, compose_commands_once

CONF = Path(__file__).parents[3] / "conf"
MASTER = ("hydra.sweep.dir=out/${now:%f}", "hydra.job.name=mine")


@pytest.fixture(scope="module")
def hydras() -> Iterator[ConfigLoader]:
    """Yield Hydra's own loader."""
    store.register()
    with initialize_config_dir(str(CONF), version_base="1.3"):
        hydra = GlobalHydra.instance().hydra
        assert hydra is not None
        yield hydra.config_loader


@pytest.fixture(scope="module")
def master(hydras: ConfigLoader) -> DictConfig:
    """Compose the config of a sweep."""
    config = hydras.load_configuration("config", list(MASTER), RunMode.MULTIRUN)
    OmegaConf.select(config, "hydra.sweep.dir")
    return config


@pytest.fixture(scope="module")
def ours(hydras: ConfigLoader) -> SweepLoader:
    """One loader for all these tests, so that jobs follow on each other as in a sweep."""
    return SweepLoader(hydras)


def contents(node: Any) -> Any:
    """Return all that is in a config, its types and flags too."""
    kind = (type(node).__name__, node._metadata)
    held = node._value()
    if isinstance(held, dict):
        return *kind, [(key, contents(one)) for key, one in held.items()]
    if isinstance(held, list):
        return *kind, [contents(one) for one in held]
    return *kind, held


def outcome(loader: Any, master: DictConfig, job: list[str]) -> Any:
    """Return a job's config and what its settings are, or the error."""
    try:
        config = loader.load_sweep_config(master, job)
    except Exception as error:
        return type(error), str(error)
    config.hydra.job.num = config.hydra.job.id = 3
    yaml = OmegaConf.to_yaml(config), config.hydra.sweep.dir, config.hydra.sweep.subdir
    return *yaml, contents(config), config._metadata.resolver_cache


OVERRIDES = [
    *("seed=1", "seed=[0,1]", "sparsity=0.5", "sparsity=[0,0.9]", "n_hidden=${n_features}"),
    *("steps=1e3", "name='a b'", 'name="1e3"', "name=null", "tags=[a,b]", "tags=[on,'1']"),
    *("activation=gelu", "activation=solu", "importance=relative", "importance.ratio=2"),
    *("importance.decay=[0.5,1]", "importance={decay:0.5}", "init=normal", "init.std=0.1"),
    *("optimizer=adamw", "optimizer.lr=x", "optimizer.foreach=true", "+optimizer.foreach=true"),
    *("experiment=bottleneck", "experiment=phase_diagram", "resolution=5", "+new=1", "new=2"),
    *("++new=3", "++seed=4", "~callbacks.images", "~callbacks.nothing", "~experiment", "~seed=0"),
    *("+a.b=1", "a.b=2", "trainer.devices=2", "callbacks.checkpoint.minutes=0", "sparsty=1"),
    *("activation=gelo", "activation=[relu,gelu]", "activation=null", "activation@x=relu"),
    *("seed=1,2", "seed=range(3)", "seed=[", "seed", "=1", "hydra.job.name=x", "+hydra={a:1}"),
    *("hydra/job_logging=default", "hydra.searchpath=[x]", "seed={a:1}", "seed.a=1", "name=${x}"),
]


@pytest.mark.parametrize("override", OVERRIDES)
def test_one_override(override, ours, hydras, master):
    assert outcome(ours, master, [override]) == outcome(hydras, master, [override])


@settings(max_examples=15)
@given(job=st.lists(st.sampled_from(OVERRIDES), max_size=6, unique=True))
def test_many_overrides(job, ours, hydras, master):
    assert outcome(ours, master, job) == outcome(hydras, master, job)


def test_what_a_caller_changes_is_its_own(ours, hydras, master):
    job = ["activation=tanh", "tags=[a]"]
    for _ in range(2):
        assert outcome(ours, master, job) == outcome(hydras, master, job)
        config = ours.load_sweep_config(master, job)
        config.seed = 9
        config.tags.append("b")
        config.activation._target_ = "other"


def test_a_search_path_of_the_users_own(hydras, tmp_path):
    (tmp_path / "activation").mkdir()
    (tmp_path / "activation" / "mine.yaml").write_text("_target_: mine.Mine\nscale: 2\n")
    (tmp_path / "seed").mkdir()
    (tmp_path / "seed" / "1.yaml").write_text("a: 1\n")
    overrides = [f"hydra.searchpath=[file://{tmp_path}]"]
    master = hydras.load_configuration("config", [*MASTER, *overrides], RunMode.MULTIRUN)
    OmegaConf.select(master, "hydra.sweep.dir")
    loader = SweepLoader(hydras)
    for job in (["activation=mine", "activation.scale=3"], ["seed=1"], ["sparsity=0.5"]):
        assert outcome(loader, master, job) == outcome(hydras, master, job)


ITS_OWN = Hydra.get_mode

COMMANDS = [
    (["hydra.run.dir=out"], RunMode.RUN),
    (["seed=0,1"], RunMode.RUN),
    (["seed=0,1"], RunMode.MULTIRUN),
    (["experiment=bottleneck", "hydra.mode=MULTIRUN"], RunMode.MULTIRUN),
    (["activation=???"], RunMode.RUN),
    (["activation=???"], RunMode.MULTIRUN),
    (["sparsty=1"], RunMode.RUN),
]


@pytest.mark.parametrize(("overrides", "mode"), COMMANDS)
def test_a_command_is_composed_once_and_as_hydra_does(overrides, mode, monkeypatch):
    def asked() -> Any:
        GlobalHydra.instance().clear()  # as a command begins
        with initialize_config_dir(str(CONF), version_base="1.3"):
            hydra = GlobalHydra.instance().hydra
            assert hydra
            found = hydra.get_mode("config", list(overrides))
            before = len(calls)
            told = [*overrides, f"hydra.mode={mode.name}"]
            try:
                composed = hydra.compose_config("config", told, mode)
            except Exception as error:
                return found, type(error), str(error)
            once.append(len(calls) == before)
            again = hydra.compose_config("config", told, mode)
        for one in (composed, again):
            OmegaConf.clear_cache(one)  # of the time
        assert contents(again) == contents(composed)
        return found, contents(composed)

    calls, once = [], []
    load = ConfigLoaderImpl.load_configuration

    def counted(*given, **named):
        calls.append(1)
        return load(*given, **named)

    monkeypatch.setattr(ConfigLoaderImpl, "load_configuration", counted)
    monkeypatch.setattr(GlobalHydra.instance(), "hydra", GlobalHydra.instance().hydra)
    monkeypatch.setattr(Hydra, "get_mode", ITS_OWN)
    store.register()
    theirs = asked()
    compose_commands_once()
    assert asked() == theirs
    assert once in ([], [False, overrides != ["activation=???"]])  # open, it is composed again
