"""The garbage collector, kept from what imports make: all of it stays, and looking takes seconds.

torch, Lightning and xarray make a million objects. While they are imported, the collector goes over
those made so far again and again, and three times more when the process ends.
"""

import gc
from collections.abc import Iterator
from contextlib import contextmanager

done: list[str] = []
"""What this process has done of it. To say so, the collector would count all that it holds."""


@contextmanager
def kept() -> Iterator[None]:
    """Keep the collector from running meanwhile, and from all that is there at the end, for good.

    For processes of our own, and once in each: what is made later may become garbage. In a user's
    own process it would keep what the user has made.
    """
    if done:
        yield
        return
    gc.collect()  # as long as there is little to go through
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        done.append("frozen")
        if was_enabled:
            gc.enable()
