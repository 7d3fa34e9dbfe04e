"""A command: help and completion at once, all else by Hydra; errors in one line."""

import functools
import os
import sys
from collections.abc import Callable, Generator
from typing import Any

from sup.cli import completion, helping
from sup.system.display import speak
from sup.system.encoding import use_utf8
from sup.system.headless import headless

Describe = Callable[[Any], Generator[Any, Any, Any]]
"""Of a job's config yields its `Run`, is sent what became of it, and returns what a search judges
it by."""


def command(describe: Describe) -> Callable[[], None]:
    """Make a command of a function that describes a job."""

    @functools.wraps(describe)
    def main() -> None:
        use_utf8()
        arguments = sys.argv[1:]
        # Before Hydra is imported, half a second: who presses TAB waits for it each time.
        if (words := completion.answer(arguments, os.environ)) is not None:
            print(words)
            return
        if helping.is_asked(arguments):
            print_help(arguments)
            return
        from sup.cli import errors

        with errors.reported():
            speak()
            headless()
            from sup.cli.running import run, version

            if "--version" in arguments:
                print(version())
            else:
                run(describe, arguments)

    return main


def print_help(arguments: list[str]) -> None:
    """Print the help that is asked for.

    Raises:
        SystemExit: where there is none of that name, with one line.
    """
    try:
        print(helping.answer(arguments), flush=True)
    except helping.NoTopicError as error:
        raise SystemExit(f"error: {error}") from error
    except BrokenPipeError:  # whoever reads has seen enough; Python would write again at its end
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
