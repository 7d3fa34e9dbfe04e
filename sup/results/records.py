"""What an earlier command was told, as Hydra has written it down in the command's directory.

Anybody may have written it: it is read as data and nothing else, so nothing in it is resolved, and
words are kept as words only.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

SWEEP, RUN, JOB = "multirun.yaml", ".hydra/hydra.yaml", ".hydra/overrides.yaml"
"""The records of a sweep, of a run, and of a job of either, in its directory."""

TASK, HYDRA = ("hydra", "overrides", "task"), ("hydra", "overrides", "hydra")
"""Where a sweep's and a run's record hold the overrides of settings, and those of Hydra's own."""


def overrides_in(record: Path, place: Sequence[str] = ()) -> list[str] | None:
    """Return overrides from a record; None where there are none, or it is no whole one.

    Args:
        record: the file.
        place: the keys to them; of a job's record there are none.
    """
    try:
        held: Any = yaml.safe_load(record.read_bytes())
        for key in place:
            held = held[key]
        return [one for one in held or [] if isinstance(one, str)]
    except (OSError, yaml.YAMLError, ValueError, KeyError, TypeError, RecursionError):
        return None
