"""Which results lie below a path: sweeps whole, and runs that belong to none."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from sup.config.rules import SettingError, in_one_line
from sup.results.records import SWEEP
from sup.results.storage import FILE
from sup.system.paths import absence


def homes(paths: Sequence[Path]) -> list[Path]:
    """Return the directories of the sweeps, and of the runs that belong to none, below some paths.

    Args:
        paths: directories, or results files, each of which stands for its directory.

    Raises:
        FileNotFoundError: where there are no results below a path.
    """
    found: dict[Path, None] = {}
    for path in paths:
        home = path.parent if path.is_file() and path.name == FILE else path
        below = _below(home)
        if not path.exists():
            raise FileNotFoundError(f"{path}: {absence(path)}")
        if not below:
            raise FileNotFoundError(f"{path}: no {FILE} in it or in any directory below")
        found |= dict.fromkeys(below)
    return list(found)


def beside(paths: Sequence[Path], name: str) -> Path:
    """Return the file of a name that is written on results, in the first path's directory."""
    return (paths[0] if paths[0].is_dir() else paths[0].parent) / name


def _below(path: Path) -> list[Path]:
    runs: Iterable[Path] = [file.parent for file in sorted(path.rglob(FILE))]
    own = (run.parent if (run.parent / SWEEP).exists() and run != path else run for run in runs)
    return list(dict.fromkeys(own))


@contextmanager
def named(path: Path) -> Iterator[None]:
    """Say of an error whose results have caused it: what reads them reads anybody's.

    Raises:
        SettingError: in its place.
    """
    try:
        yield
    except SettingError:
        raise
    except Exception as error:  # as many kinds as there are figures, and ways to break a file
        raise SettingError("results", path, f"cannot be shown: {in_one_line(error)}") from error
