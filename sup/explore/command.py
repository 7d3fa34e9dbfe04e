"""The command line of what writes a page on results."""

import argparse
import sys
from collections.abc import Callable
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path

from sup.config.rules import SettingError
from sup.system.display import speak

Write = Callable[[list[Path], Path | None], Path]
"""Writes the page on results below some paths, to a file or to the usual one; returns which."""


PROGRAMS = {"explorer": "python -m sup.explore", "report": "python -m sup.report"}
"""The commands, by what they write."""


def write_by_command(
    made: str, about: str | None, write: Write, arguments: list[str] | None
) -> None:
    """Read the command line, write a page, say where it is.

    Args:
        made: what is written, in a word.
        about: what it does, in a sentence.
        write: does it; what it needs that takes seconds to import, it imports itself.
        arguments: of the command; None: the process's.

    Raises:
        SystemExit: with one line, where that cannot be.
    """
    parser = argparse.ArgumentParser(prog=PROGRAMS[made], description=about)
    parser.add_argument(
        "paths", nargs="+", type=Path, metavar="PATH", help="a run, a sweep, or a directory of them"
    )
    parser.add_argument("--output", type=Path, help="default: beside the results of the first PATH")
    options = parser.parse_args(arguments)
    speak()
    try:
        where = write(options.paths, options.output)
    except (OSError, SettingError) as error:
        raise SystemExit(f"error: {error}") from error
    except BrokenProcessPool as error:
        raise SystemExit("error: a process that draws has died, perhaps for its memory") from error
    except KeyboardInterrupt:
        print("\nstopped", file=sys.stderr)
        raise SystemExit(130) from None
    print(f"{made}: {where}")
