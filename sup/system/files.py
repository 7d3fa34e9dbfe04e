"""Writing files so that what stands under a name is whole, and nothing else is written."""

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Give a path to write to; afterwards, put what was written in the place of `path`.

    A process that is killed, or a machine that loses power, leaves the old file or the new one,
    never a part of either: the new one is on the disk before it takes the name. Where `path`, or
    the name to write to, is a symbolic link, the link is replaced and what it leads to is not.

    Args:
        path: the file to write or replace; its directory must be there.
    """
    unfinished = path.with_name(f".{path.name}.unfinished")
    unfinished.unlink(missing_ok=True)
    try:
        os.close(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666))
        yield unfinished
        _flush(unfinished)
        os.replace(unfinished, path)
    except BaseException:
        unfinished.unlink(missing_ok=True)
        raise
    _flush(path.parent)


def leading_out(home: Path, paths: Iterable[Path]) -> Path | None:
    """Return the first of some paths that leads out of a directory, by a link or by its name.

    Args:
        home: the directory, which may be a link itself.
        paths: below it, as they are written.
    """
    inside = home.resolve()
    return next((path for path in paths if not path.resolve().is_relative_to(inside)), None)


def _flush(path: Path) -> None:
    """Have the system write a file, or a directory's names, to the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
