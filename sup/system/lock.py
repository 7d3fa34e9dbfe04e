"""One command at a time in a directory: two would write over each other's checkpoints."""

from pathlib import Path

from filelock import FileLock, Timeout

FILE = ".lock"
"""It stays, as removing it could let two in; the lock ends with the process, whatever ends that."""

_held: dict[Path, FileLock] = {}


def take(directory: str | Path) -> bool:
    """Keep other commands out of a directory, which is made, until this process ends.

    Returns:
        Whether that was possible: no other process holds it.
    """
    place = Path(directory).absolute()
    if place in _held:
        return True
    place.mkdir(parents=True, exist_ok=True)
    lock = FileLock(place / FILE)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        return False
    except (NotImplementedError, OSError):  # a file system without locks
        return True
    _held[place] = lock
    return True
