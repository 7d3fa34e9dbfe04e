"""Find the checkpoint that `resume` means, and make sure that it can be continued from."""

import json
import sys
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import torch

from sup.config.settings import SettingError


@lru_cache(maxsize=4096)  # a sweep may have a stack for each of its jobs
def _contents(path: Path, modified: float) -> dict[str, Any]:
    """Return what a checkpoint says about its instances; `modified` keys the cache."""
    try:
        held = torch.load(path, map_location="cpu", weights_only=True, mmap=True)["stack"]
        instances = dict.fromkeys(held["instances"]).keys()  # a set in order
        return {"shared": held["shared"], "instances": instances, "step": held["step"]}
    except Exception as error:  # torch raises a dozen kinds for a file that is no checkpoint
        raise SettingError("resume", path, "is no checkpoint of this project") from error


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
    above = (folder for folder in path.absolute().parents[:3] if folder.is_dir())
    found = [*sorted(path.rglob("checkpoints/*.ckpt"))]
    found += [one for folder in above for one in sorted(folder.glob("checkpoints/*.ckpt"))]
    if not found:
        allowed = "give a .ckpt file, or the directory of a run or sweep"
        raise SettingError("resume", path, f"holds no checkpoint; {allowed}")
    return found


def latest(folders: Sequence[Path], shared: str, instances: Sequence[str]) -> Path | None:
    """Return the checkpoint in some folders that is furthest with the given instances; see `find`.

    None where no checkpoint holds them. What cannot be read is passed over, and said so.
    """
    found = {}
    for path in (path for folder in folders for path in sorted(folder.glob("*.ckpt"))):
        try:
            held = _contents(path, path.stat().st_mtime)
        except SettingError as error:
            print(f"warning: {path}: {error.args[2]}", file=sys.stderr)
            continue
        if held["shared"] == shared and set(instances) <= held["instances"]:
            found[path] = held["step"]
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
        held = _contents(candidate, candidate.stat().st_mtime)
        missing = sorted(set(instances) - held["instances"])
        if held["shared"] == shared and not missing:
            return candidate
        if held["shared"] != shared:
            reasons.append(difference(json.loads(held["shared"]), json.loads(shared)))
        elif len(missing) < len(set(instances)):
            reasons.insert(0, "its runs were trained apart, so resume with hydra/launcher=basic")
        else:
            reasons.append(
                difference(json.loads(next(iter(held["instances"]))), json.loads(missing[0]))
            )
    advice = "repeat the overrides of the run to be resumed"
    raise SettingError("resume", path, f"{reasons[0]}; {advice}")


def _flat(settings: dict[str, Any], parents: str = "") -> dict[str, Any]:
    flat = {}
    for name, value in settings.items():
        key = f"{parents}{name}"
        flat |= _flat(value, f"{key}.") if isinstance(value, dict) else {key: value}
    return flat


def difference(held: dict[str, Any], wanted: dict[str, Any]) -> str:
    """Name a setting in which a checkpoint differs from what is wanted.

    One of those that others follow from: steps, and not the schedule's length.
    """
    there, here = _flat(held), _flat(wanted)
    differing = [key for key in {**there, **here} if there.get(key) != here.get(key)]
    key = min(differing, key=lambda key: key.count("."))
    return f"it was trained with {key}={there.get(key)}, not {key}={here.get(key)}"
