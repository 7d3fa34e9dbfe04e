"""What a command shows while it works: messages as lines, stages as a line with the time left."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial

from sup.system import messages, stages


def speak() -> None:
    """Show messages in this process, and on a terminal stages while they last."""
    messages.show()
    stages.show(live if sys.stdout.isatty() else None)


@contextmanager
def live(what: str, parts: int | None) -> Iterator[Callable[[], None]]:
    """Show a stage while it lasts; with a bar, and the time left, where it has several parts."""
    from rich.progress import (  # a tenth of a second, which help and completion need not wait for
        BarColumn,
        MofNCompleteColumn,
        Progress,
        SpinnerColumn,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    far = (BarColumn(bar_width=20), MofNCompleteColumn()) if parts and parts > 1 else ()
    left = (TextColumn("left"), TimeRemainingColumn()) if far else ()
    columns = (SpinnerColumn(), TextColumn("{task.description}"), *far, TimeElapsedColumn(), *left)
    with Progress(*columns, transient=True) as progress:
        task = progress.add_task(what, total=parts)
        yield partial(progress.advance, task)
