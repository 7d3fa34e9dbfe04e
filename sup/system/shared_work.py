"""Work that several processes share: each takes the next piece, this one among them."""

import multiprocessing
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from typing import Any, TypeVar

Result = TypeVar("Result")


def shared(
    function: Callable[..., Result], pieces: Sequence[tuple[Any, ...]], others: int
) -> Generator[tuple[int, Result], None, None]:
    """Yield what a function makes of each piece of work, with its place, as they are done.

    While the other processes start, which takes as long as what they import, this one begins with
    the last piece, until it meets them.

    Args:
        function: of a module, so that other processes find it; what it takes and returns is
            pickled.
        pieces: its arguments, each time.
        others: processes beside this one; with none, all is done here, in order.

    Raises:
        BrokenProcessPool: where one of them dies; what the function itself raises.
    """
    if not others:
        for place, piece in enumerate(pieces):
            yield place, function(*piece)
        return
    context = multiprocessing.get_context("spawn")  # threads do not survive a fork
    pool = ProcessPoolExecutor(min(others, len(pieces)), context)
    try:
        waiting = {place: pool.submit(function, *piece) for place, piece in enumerate(pieces)}
        for place in reversed(range(len(pieces))):
            if place in waiting and waiting[place].cancel():
                del waiting[place]
                yield place, function(*pieces[place])
            for done in [one for one, future in waiting.items() if future.done()]:
                yield done, waiting.pop(done).result()
        places = {future: place for place, future in waiting.items()}
        for future in as_completed(places):
            yield places[future], future.result()
    finally:
        pool.shutdown(cancel_futures=True)
