"""What a config names to be called: every node with a ``_target_``."""

from collections.abc import Iterator

from omegaconf import DictConfig, OmegaConf

from sup.config.grid import as_dict


def targets(config: DictConfig, parents: str = "") -> Iterator[tuple[str, DictConfig]]:
    """Yield every node of a config that names a ``_target_``, with its key."""
    for name, node in config.items_ex(resolve=False):
        if OmegaConf.is_dict(node):
            key = f"{parents}{name}"
            if "_target_" in node:
                yield key, node
            yield from targets(node, f"{key}.")


def used(config: DictConfig) -> tuple:
    """Return what `sup.model.building.check_parts` and `sup.launch.local.check_present` look at.

    Configs that agree in it need be checked but once.
    """
    named = ((key, str(node["_target_"]), *node) for key, node in targets(config))
    devices = [str(config.trainer[key]) for key in ("accelerator", "devices")]
    return (*named, str(as_dict(config.activation)), *devices)
