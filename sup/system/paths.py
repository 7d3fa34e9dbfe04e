"""What is said of a path at which there is nothing."""

import difflib
import os
from pathlib import Path


def absence(path: Path) -> str:
    """Return that there is nothing at a path, and which path may have been meant, if one is near.

    That is one in which the first name that is not there is another of its directory.
    """
    there = path.absolute()
    while not there.parent.exists():
        there = there.parent
    try:
        names = os.listdir(there.parent)
    except OSError:
        names = []
    near = difflib.get_close_matches(there.name, names, n=1)
    if not near:
        return "no such file or directory"
    place = os.path.relpath(there.parent / near[0])
    return f"no such file or directory (did you mean {place}?)"
