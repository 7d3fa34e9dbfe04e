"""Find the checkpoint that a stack goes on from, and make sure that it can be continued from."""

import logging
from collections.abc import Iterable, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import torch

from sup.config.identity import difference, generator_of
from sup.config.rules import SettingError
from sup.system.paths import absence
from sup.training.outcome import check_keys, loaded

log = logging.getLogger(__name__)


def contents(path: Path) -> dict[str, Any]:
    """Return what a checkpoint says about its instances: shared settings, own ones, and the step.

    Raises:
        SettingError: where it is no checkpoint of this project.
    """
    return _contents(path, path.stat().st_mtime_ns)


@lru_cache(maxsize=4096)  # a sweep may have a stack for each of its jobs
def _contents(path: Path, modified: int) -> dict[str, Any]:
    try:
        checkpoint = loaded(path)
        held = checkpoint["stack"]
        check_keys(held["shared"], held["instances"])
        check_weights(checkpoint["state_dict"], len(held["instances"]))
        # Without either Lightning would begin it anew, and say nothing.
        if [len(checkpoint[name]) for name in ("optimizer_states", "lr_schedulers")] != [1, 1]:
            raise ValueError("no optimizer, or no schedule")
        instances = dict.fromkeys(held["instances"]).keys()  # a set in order
        return {"shared": held["shared"], "instances": instances, "step": int(held["step"])}
    except Exception as error:  # torch raises a dozen kinds for a file that is no checkpoint
        raise SettingError("resume", path, "is no checkpoint of this project") from error


def check_weights(weights: dict[str, torch.Tensor], count: int) -> None:
    """Check that weights, as checkpoints hold them, are those of some number of models.

    Raises:
        KeyError, TypeError, ValueError: where they are not.
    """
    W, b = weights["autoencoder.W"], weights["autoencoder.b"]
    losses, diverged_at = weights["loss_sums"], weights["diverged_at"]
    shapes = [W.shape[:1], b.shape[:1], losses.shape[1:], diverged_at.shape]
    if W.ndim != 3 or b.shape[1:] != W.shape[2:] or any(shape != (count,) for shape in shapes):
        raise ValueError("the shapes differ")


def candidates(path: Path) -> list[Path]:
    """Return the checkpoints that a path can mean.

    Args:
        path: a checkpoint, a run's directory, or a sweep's. A run that was trained in a stack has
            its checkpoint above it, in the sweep's directory.

    Raises:
        SettingError: where there is none.
    """
    if path.is_file():
        return [path]
    allowed = "give a .ckpt file, or the directory of a run or sweep"
    if not path.exists():
        raise SettingError("resume", path, f"{absence(path)}; {allowed}")
    above = (folder for folder in path.absolute().parents[:3] if folder.is_dir())
    found = [*sorted(path.rglob("checkpoints/*.ckpt"))]
    found += [file for folder in above for file in sorted(folder.glob("checkpoints/*.ckpt"))]
    if not found:
        raise SettingError("resume", path, f"holds no checkpoint; {allowed}")
    return found


def latest(folders: Iterable[Path], shared: str, instances: Sequence[str]) -> Path | None:
    """Return the checkpoint in some folders that is furthest with the given instances; see `find`.

    None where no checkpoint holds them. What cannot be read is passed over, and said so.
    """
    found = {}
    for path in (path for folder in folders for path in sorted(folder.glob("*.ckpt"))):
        try:
            held = contents(path)
        except SettingError as error:
            log.warning("%s: %s", path, error.args[2])
            continue
        if set(instances) <= held["instances"]:
            if held["shared"] == shared:
                found[path] = held["step"]
            elif generator_of(held["shared"]) != generator_of(shared):  # a release before
                log.warning("%s is not gone on from: %s", path, difference(held["shared"], shared))
    return max(found, key=lambda path: found[path], default=None)


def find(path: str, shared: str, instances: Sequence[str]) -> Path:
    """Return the checkpoint at `path` that holds the given instances.

    Args:
        path: what `resume` is set to.
        shared: the shared settings of the instances, as JSON.
        instances: their own settings, as JSON.

    Raises:
        SettingError: where there is none; it says what the nearest one differs in.
    """
    reasons = []
    for candidate in candidates(Path(path)):
        held = contents(candidate)
        missing = sorted(set(instances) - held["instances"])
        if held["shared"] == shared and not missing:
            return candidate
        if held["shared"] != shared:
            reasons.append(difference(held["shared"], shared))
        elif len(missing) < len(set(instances)):
            reasons.insert(0, "its runs were trained apart, so resume with hydra/launcher=basic")
        else:
            reasons.append(difference(next(iter(held["instances"])), missing[0]))
    advice = "repeat the overrides of the run to be resumed"
    raise SettingError("resume", path, f"{reasons[0]}; {advice}")
