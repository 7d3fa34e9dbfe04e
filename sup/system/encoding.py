"""UTF-8, whatever the locale: names of runs, directories and files may hold any letter."""

import os
import sys


def use_utf8() -> None:
    """Start Python anew in its UTF-8 mode where it took another encoding from the locale.

    With LC_ALL=C and that mode switched off, no path beyond ASCII could be made or read.
    """
    if sys.getfilesystemencoding() != "utf-8" and os.environ.get("PYTHONUTF8") != "1":
        os.environ["PYTHONUTF8"] = "1"
        os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):  # a notebook's has not
            stream.reconfigure(errors="backslashreplace")  # pyright: ignore[reportAttributeAccessIssue]
