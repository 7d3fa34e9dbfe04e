"""One command at a time in a directory: two would write over each other's checkpoints."""

import fcntl
import os
from pathlib import Path

from sup.config.settings import SettingError

FILE = ".lock"
"""Names the process at work. It stays, as removing it could let two in; the lock ends with the
process, whatever ends that."""

_held: dict[Path, int] = {}


def take(directory: str | Path) -> None:
    """Keep other commands out of a directory, which is made, until this process ends.

    Raises:
        SettingError: where another command is at work there.
    """
    place = Path(directory).absolute()
    if place in _held:
        return
    place.mkdir(parents=True, exist_ok=True)
    file = os.open(place / FILE, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        process = os.read(file, 20).decode()
        os.close(file)
        raise SettingError("directory", directory, f"process {process} is at work there") from error
    except OSError:  # a file system without locks
        os.close(file)
        return
    os.ftruncate(file, 0)
    os.write(file, str(os.getpid()).encode())
    _held[place] = file
