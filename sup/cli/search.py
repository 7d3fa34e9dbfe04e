"""A search by Hydra's Optuna sweeper: what its settings may be, and where its jobs are written."""

from pathlib import Path

from omegaconf import DictConfig, OmegaConf

from sup.cli.arguments import as_given
from sup.cli.earlier import is_asked
from sup.config.rules import AT_LEAST_ONE, SHARE, SettingError

NUMBERS = {
    "n_trials": AT_LEAST_ONE,
    "n_jobs": AT_LEAST_ONE,
    "max_failure_rate": SHARE,
}
"""Settings of the sweeper that are numbers."""

DIRECTIONS = ("minimize", "maximize")


def is_search(config: DictConfig) -> bool:
    """Tell whether a command is a search, by its config with Hydra's own node."""
    return "Optuna" in str(OmegaConf.select(config, "hydra.sweeper._target_"))


def check(config: DictConfig) -> None:
    """Check what a search can only ask for as a whole.

    Args:
        config: of the command, with Hydra's own node.

    Raises:
        SettingError: where it cannot be.
    """
    if is_asked(as_given(config.hydra.overrides.task)):
        kept = "a search is not resumed; hydra.sweeper.storage and study_name keep its trials"
        raise SettingError("resume", "true", kept)
    check_sweeper(config.hydra.sweeper)
    open_storage(config.hydra.sweeper)


def check_sweeper(sweeper: DictConfig) -> None:
    """Check the settings of the sweeper, which itself would search no further, or not at all.

    Raises:
        SettingError: for the first that is not allowed.
    """
    for name, rule in NUMBERS.items():
        rule.check(f"hydra.sweeper.{name}", sweeper[name])
    direction = sweeper.direction
    if OmegaConf.is_config(direction):
        direction = OmegaConf.to_container(direction)
    direction = getattr(direction, "name", direction)  # the sweeper's own default is an enum
    if direction not in DIRECTIONS:
        allowed = f"must be {' or '.join(DIRECTIONS)}; there is one objective"
        raise SettingError("hydra.sweeper.direction", direction, allowed)


def open_storage(sweeper: DictConfig) -> None:
    """See whether the storage of a search, if it has one, can be opened.

    Raises:
        SettingError: where it cannot.
    """
    if not isinstance(sweeper.storage, str):
        return
    from optuna.storages import get_storage  # pyright: ignore[reportMissingImports]

    try:
        get_storage(sweeper.storage)
    except Exception as error:  # of SQLAlchemy, of a database's own package, or of a missing one
        reason = str(error).partition("\n")[0]
        allowed = f"cannot be opened: {reason}"
        raise SettingError("hydra.sweeper.storage", sweeper.storage, allowed) from error


def first_job(config: DictConfig) -> int:
    """Return the number of a search's first job.

    A study that is kept goes on in a directory of its own behind the jobs that have ended there;
    any other search starts anew, and its finished jobs must be the same.

    Args:
        config: of the command, with Hydra's own node.
    """
    sweeper = config.hydra.sweeper
    if not (is_search(config) and sweeper.storage and sweeper.study_name):
        return 0
    folders = Path(config.hydra.sweep.dir).glob("[0-9]*")
    ended = [folder for folder in folders if folder.name.isdecimal() and has_ended(folder)]
    return max((int(folder.name) + 1 for folder in ended), default=0)


def has_ended(folder: Path) -> bool:
    """Tell whether a job has been trained, or has failed, by its directory."""
    return any((folder / name).is_file() for name in ("results.nc", "error.txt"))
