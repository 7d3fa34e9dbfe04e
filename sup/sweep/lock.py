"""One command at a time in a directory: two would write over each other's checkpoints."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from sup.config.rules import SettingError

NO_LOCKS = (errno.ENOSYS, errno.ENOLCK, errno.EOPNOTSUPP)
"""What file systems without locks answer."""

FILE = ".lock"
"""It stays, as removing it could let two in; the lock ends with the process, whatever ends that."""

_held: dict[Path, FileLock] = {}


def take(directory: str | Path) -> None:
    """Keep others out of a directory, which is made, until this process ends.

    Raises:
        SettingError: where another process is at work there, or nothing can be written there.
    """
    place = Path(directory).absolute()
    if place in _held:
        return
    try:
        place.mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError) as error:
        raise SettingError("directory", directory, "is a file") from error
    except OSError as error:
        raise unwritable(directory, error) from error
    lock = FileLock(place / FILE)
    try:
        lock.acquire(timeout=0)
    except Timeout as error:
        raise SettingError("directory", directory, "another command is at work there") from error
    except NotImplementedError:  # a file system without locks
        return
    except OSError as error:
        if error.errno in NO_LOCKS:
            return
        raise unwritable(directory, error) from error
    _held[place] = lock


def unwritable(directory: str | Path, error: OSError) -> SettingError:
    """Return the error that nothing can be written in a directory, and why."""
    return SettingError("directory", directory, f"cannot be written: {error.strerror or error}")


@contextmanager
def held(directory: Path | None) -> Iterator[None]:
    """Keep others out of a directory meanwhile; see `take`."""
    if directory is None or directory.absolute() in _held:
        yield
        return
    take(directory)
    try:
        yield
    finally:
        if lock := _held.pop(directory.absolute(), None):
            lock.release()
