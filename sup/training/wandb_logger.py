"""Weights & Biases: one run for each of ours. The only module that imports wandb (read: 0.31.0)."""

import netrc
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import wandb
from lightning.pytorch.loggers import WandbLogger
from wandb.errors import Error as WandbError

from sup.config.rules import SettingError
from sup.config.run import Run

MODES = ("online", "offline", "disabled", "shared")
"""What W&B's own environment variable may be."""


class OwnWandbLogger(WandbLogger):
    """Lightning's logger of a W&B run that ends with it."""

    def finalize(self, status: str) -> None:
        """End the W&B run, as failed unless the status is success."""
        super().finalize(status)
        self.experiment.finish(exit_code=int(status != "success"))


def mode() -> str:
    """Return W&B's mode: what the user set (`WANDB_MODE`, `wandb offline`), else by log-in.

    Raises:
        SettingError: where there is no such mode.
    """
    if given := os.environ.get("WANDB_MODE"):
        if given not in MODES:
            raise SettingError("WANDB_MODE", given, f"must be one of {', '.join(MODES)}")
        return given
    settings: Any = wandb.setup().settings
    if settings.mode != "online":
        return settings.mode
    known = ("WANDB_API_KEY", "WANDB_IDENTITY_TOKEN_FILE")
    logged_in = any(map(os.environ.get, known)) or has_login(settings.base_url)
    return "online" if logged_in else "offline"


def has_login(url: str) -> bool:
    """Tell whether `wandb login` has left a key for a server, where it does: in netrc."""
    try:
        held = netrc.netrc(os.environ.get("NETRC") or Path.home() / ".netrc")
    except (OSError, RuntimeError, netrc.NetrcParseError):
        return False
    return held.authenticators(urlsplit(url).hostname or "") is not None


def wandb_logger(run: Run, project: str, entity: str | None = None) -> OwnWandbLogger:
    """Start a W&B run of its own: group = sweep, name = overrides, config = settings.

    What an interrupted command has logged is gone on with, under the same W&B id.
    """
    assert run.directory is not None
    chosen: Any = mode()
    folders = run.directory.glob("wandb/*run-*-*")
    earlier = sorted(folders, key=lambda folder: folder.stat().st_mtime)
    identity = earlier[-1].name.rpartition("-")[2] if earlier else None
    try:
        experiment = wandb.init(
            project=project,
            entity=entity,
            dir=run.directory,
            name=run.name,
            group=run.group,
            tags=[str(tag) for tag in run.settings.tags],
            config=dict(run.config),
            id=identity,
            resume="allow" if identity and chosen == "online" else None,
            mode=chosen,
            reinit="create_new",
            # The runs of a stack share one machine and console: nothing there is a single run's.
            settings=wandb.Settings(silent=True, console="off", x_disable_stats=True),
        )
    except WandbError as error:
        reason = " ".join(str(error).split())
        raise SettingError("logger", "wandb", f"{reason} (logger=csv needs no account)") from error
    return OwnWandbLogger(experiment=experiment)


def log_page(logger: OwnWandbLogger, figures: Mapping[str, Any], tables: Mapping[str, Any]) -> None:
    """Log a sweep's figures, and tables as pandas has them, and end its W&B run."""
    try:
        pictures = {name: wandb.Image(figure) for name, figure in figures.items()}
        rows = {name: wandb.Table(dataframe=table) for name, table in tables.items()}
        logger.experiment.log({**pictures, **rows})
    finally:
        logger.finalize("success")
