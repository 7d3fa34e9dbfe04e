"""Drawing without a display: what the environment says of matplotlib is for other programs."""

import logging
import os


def headless() -> None:
    """Let matplotlib draw without a window, and keep to itself where it caches.

    Called before it is imported, as Lightning does by itself. In a notebook's cell the environment
    names the notebook's backend, which another Python may not have; then it cannot be imported. It
    warns of a home in which it cannot write, where no more is lost than a second.
    """
    os.environ["MPLBACKEND"] = "agg"
    logging.getLogger("matplotlib").setLevel(logging.ERROR)
