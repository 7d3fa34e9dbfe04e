"""What the program says: through `logging`, in one tree of loggers, shown plainly by a command.

A notebook or a script hears what it asks of the logger `sup`; the command line shows all of it.
"""

import logging
import sys

ROOT = logging.getLogger("sup")
ROOT.addHandler(logging.NullHandler())


class Plain(logging.Handler):
    """Writes messages as lines: warnings to standard error, all else to standard output."""

    def emit(self, record: logging.LogRecord) -> None:
        """Write one, to where the stream is now: it may have been redirected."""
        if record.levelno >= logging.WARNING:
            print(f"{record.levelname.lower()}: {record.getMessage()}", file=sys.stderr, flush=True)
        else:
            print(record.getMessage(), flush=True)


def show() -> None:
    """Show all messages, as a command does."""
    if not shown():
        ROOT.addHandler(Plain())
    ROOT.setLevel(logging.INFO)
    ROOT.propagate = False


def shown() -> bool:
    """Tell whether messages are shown: processes that this one starts should do as it does."""
    return any(isinstance(handler, Plain) for handler in ROOT.handlers)
