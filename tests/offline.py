"""What W&B was told of a run, read back from what it keeps offline by W&B's own reader."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any


def records(directory: Path) -> list[dict[str, Any]]:
    """Return W&B's records of the one run below a directory, in their order."""
    (file,) = directory.glob("wandb/offline-run-*/run-*.wandb")
    read = (sys.executable, "-m", "wandb", "leet", "inspect", "--json", str(file))
    lines = subprocess.run(read, check=True, capture_output=True, text=True).stdout.splitlines()
    return [json.loads(line) for line in lines]


def told(directory: Path, kind: str) -> list[dict[str, Any]]:
    """Return what W&B's records of one kind hold: `run`, `history`, `artifact` ..."""
    return [record[kind] for record in records(directory) if record["type"] == kind]


def files_of(artifact: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Return what an artifact holds, by name: where each file is, its size and its digest."""
    return {entry["path"]: entry for entry in artifact["manifest"]["contents"]}
