"""Hydra's config groups and `--help`, made from what `sup.config` says of every setting."""

from dataclasses import fields
from typing import Any

from hydra.core.config_store import ConfigStore
from hydra.core.plugins import Plugins

from sup.cli import resolvers
from sup.config.describing import help_lines
from sup.config.fields import Option
from sup.config.options import CALLBACKS, OPTIONS
from sup.config.settings import GROUPS, Settings, StackSettings, default_of

LAUNCHER = "hydra_plugins.superposition.StackedLauncher"
SWEEPER = "hydra_plugins.superposition.CheckedSweeper"
CHECKING = (SWEEPER, LAUNCHER)
"""The sweeper and the launcher that check a sweep's jobs before any is written."""

OURS = ("submitit_slurm", "ray")
"""Our options of `hydra/launcher` that Hydra's own plugins, where they are installed, have too."""


def register() -> None:
    """Tell Hydra of the settings, in this process alone."""
    resolvers.register()
    store = ConfigStore.instance()
    for name, options in OPTIONS.items():
        for option, described in options.items():
            store.store(group=name, name=option, node=node_of(described))
    callbacks = {name: node_of(option) for name, option in CALLBACKS.items()}
    store.store(group="callbacks", name="default", node=callbacks)
    store.store(name="settings", node=root())
    store.store(group="hydra/launcher", name="stacked", node={"_target_": LAUNCHER})
    checked = {"_target_": SWEEPER, "max_batch_size": None, "params": None}
    store.store(group="hydra/sweeper", name="checked", node=checked)
    Plugins.instance()  # they put their own options there, against which ours would be checked
    for name in OURS:
        store.repo["hydra"]["launcher"].pop(f"{name}.yaml", None)


def node_of(option: Option) -> dict[str, Any]:
    """Return the config node of an option."""
    return {"_target_": option.target, **option.defaults}


def root() -> dict[str, Any]:
    """Return the config of all settings with their defaults, and the help."""
    own = {one.name: default_of(one) for one in fields(Settings)}
    chosen = [{name: own.pop(name)} for name in GROUPS]
    own["stack"] = {one.name: one.default for one in fields(StackSettings)}
    for name in ("callbacks", "variables"):
        del own[name]
    return {
        "defaults": [*chosen, {"callbacks": "default"}, "_self_"],
        **own,
        "hydra": {"help": {"template": help_text()}},
    }


HELP = """Toy models of superposition: x' = f(W^T W x + b), many at once.

  python train.py activation=gelu sparsity=0.9                    one model
  python train.py 'sparsity=[0,0.5,0.9]' 'seed=[0,1,2]'           a grid of nine in one run
  python train.py -m activation=relu,gelu sparsity=0,0.5,0.9      a sweep of six runs, one stack
  python train.py importance=relative 'importance.ratio=[0.1,1,10]' n_features=2 n_hidden=1
  python train.py optimizer=adamw scheduler=constant init=normal init.std=0.02
  python train.py experiment=phase_diagram resolution=11          an experiment of the article
  python train.py experiment=search hydra.sweeper.n_trials=50     a search for the best settings
  python train.py -m hydra/launcher=submitit_slurm hydra.launcher.partition=gpu seed=0,1
  python train.py resume=outputs/2026-01-31/12-00-00-000000       repeat the run's overrides
  python train.py rerun=outputs/2026-01-31/12-00-00-000000        train it again, from its results

Settings; an axis takes a number, or a list of numbers (a grid in one run), the rest one value:

{settings}

Parts of a run (group=option), and the settings of each option:

{groups}

All groups:

$APP_CONFIG_GROUPS
Results: outputs/<date>/<time>/results.nc (sup.load_run), under -m .../<job>/results.nc
(sup.load_sweep). The composed config: python train.py --cfg job. Hydra's own help:
python train.py --hydra-help. Tab completion: eval "$$(python train.py -sc install=bash)"
"""


def help_text() -> str:
    """Return what `--help` says."""
    settings, groups = help_lines()
    return HELP.format(settings=settings, groups=groups)
