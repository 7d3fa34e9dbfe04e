"""How a user has called the program, for what help and errors advise to type."""

import os
import sys


def name() -> str:
    """Return what stands before the arguments: `python train.py`, say, or `superposition`."""
    script = sys.argv[0]
    base = os.path.basename(script)
    if base == "__main__.py":
        return "python -m sup"
    if base.endswith(".py"):
        return f"python {os.path.relpath(script)}"
    return base
