"""`rerun=PATH`: the settings of a run's results stand in the place of the defaults.

So without another word the run is trained again, to the same results; what stands beside it on the
command line changes that, as it changes the defaults. The logger is the command's, as always.
"""

import json
import re
from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

from hydra.core.config_store import ConfigStore

from sup.cli import store
from sup.config.rules import SettingError
from sup.config.settings import GROUPS, Settings, is_reference
from sup.config.trust import check_trusted

KEY = "rerun"

PREFIX = "rerun-"
"""How the options begin that are parts of a run from its results, before their own names."""


def register(arguments: Sequence[str]) -> list[str]:
    """Tell Hydra of the settings of results, where a command asks for them.

    Args:
        arguments: of the command.

    Returns:
        The arguments as Hydra is to have them, with the path in quotes where it needs them.

    Raises:
        FileNotFoundError: where there are no results.
        SettingError: where they cannot be read, are not of a single run, or name code that the
            command does not give itself.
    """
    keys = [argument.lstrip("+~").partition("=")[0] for argument in arguments]
    if KEY not in keys:
        return list(arguments)
    place = keys.index(KEY)
    path = arguments[place].partition("=")[2].strip("'\"")
    settings = settings_at(Path(path), [*keys, "logger"])
    put(settings)
    if not re.fullmatch(r"[\w./-]+", path):
        path = "'" + path.replace("'", "\\'") + "'"
    return [*arguments[:place], f"{KEY}={path}", *arguments[place + 1 :]]


def settings_at(path: Path, given: Sequence[str]) -> Settings:
    """Return the settings of the results of a run.

    Args:
        path: to the run's directory, or to its `results.nc`.
        given: keys whose parts the command gives in their place.

    Raises:
        FileNotFoundError, SettingError: see `register`.
    """
    from sup.results.joining import in_order
    from sup.results.storage import FILE, load_run

    if not (path / FILE).exists() and (jobs := in_order(path.glob(f"*/{FILE}"))):
        advice = f"is no single run: give one of its jobs, such as {jobs[0].parent}"
        raise SettingError(KEY, path, advice)
    try:
        results = load_run(path)
    except FileNotFoundError as error:
        raise SettingError(KEY, path, str(error).removeprefix(f"{path}: ")) from error
    config = {**json.loads(results.attrs["config"]), "resume": None}
    names = {name: str(results[name].values) for name in GROUPS if name in results.coords}
    settings = Settings.of_config(config, names)
    check_trusted(config, given)
    return settings


def put(settings: Settings) -> None:
    """Put settings in the place of the defaults, each of their parts as an option of its group.

    Raises:
        SettingError: where a value would be resolved, as `${oc.env:HOME}`.
    """
    parts: dict[str, Any] = {name: getattr(settings, name) for name in GROUPS}
    options = {name: PREFIX + re.sub(r"\W", "-", part.name) for name, part in parts.items()}
    own = {
        one.name: getattr(settings, one.name)
        for one in fields(Settings)
        if "setting" in one.metadata and one.name not in GROUPS
    }
    callbacks = {name: part and part.node() for name, part in settings.callbacks.items()}
    # Without the variables: what referred to them has their values by now.
    values = {**own, "stack": dict(vars(settings.stack)), KEY: None}
    nodes = {name: part.node() for name, part in parts.items()}
    check_plain([values, nodes, callbacks])
    config_store = ConfigStore.instance()
    for name, node in nodes.items():
        config_store.store(group=name, name=options[name], node=node)
    config_store.store(group="callbacks", name="rerun", node=callbacks)
    chosen = [{name: option} for name, option in options.items()]
    defaults = [*chosen, {"callbacks": "rerun"}, "_self_"]
    config_store.store(name="settings", node={**store.root(), **values, "defaults": defaults})


def check_plain(value: Any) -> None:
    """Check that a value from results holds nothing that Hydra would resolve.

    Raises:
        SettingError: for the first that does, unless it stands for another setting.
    """
    for inner in value.values() if isinstance(value, dict) else value:
        if isinstance(inner, (dict, list)):
            check_plain(inner)
        elif isinstance(inner, str) and "${" in inner and not is_reference(inner):
            raise SettingError(KEY, inner, "stands in these results, and is resolved in none")
