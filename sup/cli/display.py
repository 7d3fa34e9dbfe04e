"""Stages on a terminal: a line with the time that is left, which goes when the stage has ended."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial


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
