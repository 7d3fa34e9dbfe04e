"""Hydra's config groups, made from what `sup.config` says of every setting."""

from dataclasses import fields
from typing import Any

from hydra.core.config_store import ConfigStore
from hydra.core.plugins import Plugins

from sup.cli import resolvers
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
    """Return the config of all settings with their defaults."""
    own = {one.name: default_of(one) for one in fields(Settings)}
    chosen = [{name: own.pop(name)} for name in GROUPS]
    own["stack"] = {one.name: one.default for one in fields(StackSettings)}
    for name in ("callbacks", "variables"):
        del own[name]
    return {
        "defaults": [*chosen, {"callbacks": "default"}, "_self_"],
        **own,
    }
