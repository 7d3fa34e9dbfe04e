"""Makes this project's launchers win over those of Hydra's own plugins that have the same names.

Hydra finds plugins in the namespace package `hydra_plugins` and nowhere else, so this stands beside
`sup` and not in it. It is imported with every command and must stay light.
"""

from hydra.core.config_search_path import ConfigSearchPath
from hydra.core.config_store import ConfigStore
from hydra.plugins.search_path_plugin import SearchPathPlugin

NAMES = ("submitit_local", "submitit_slurm", "ray")
"""Options of `hydra/launcher` in `conf/` that hydra-submitit-launcher or hydra-ray-launcher has."""


class OwnLaunchers(SearchPathPlugin):
    """Takes the plugins' configs away: Hydra would check ours against them and refuse them."""

    def manipulate_search_path(self, search_path: ConfigSearchPath) -> None:
        """Do so when all plugins are known, and before any config is read."""
        launchers = ConfigStore.instance().repo["hydra"]["launcher"]
        for name in NAMES:
            launchers.pop(f"{name}.yaml", None)
