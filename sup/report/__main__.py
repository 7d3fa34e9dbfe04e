"""`python -m sup.report PATH...`: write a report on any results."""

import argparse
import sys
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path

from sup.config.rules import SettingError
from sup.system.display import speak
from sup.system.headless import headless


def main(arguments: list[str] | None = None) -> None:
    """Read the command line, write the report, say where it is."""
    parser = argparse.ArgumentParser(prog="python -m sup.report", description=__doc__)
    parser.add_argument(
        "paths", nargs="+", type=Path, metavar="PATH", help="a run, a sweep, or a directory of them"
    )
    parser.add_argument("--output", type=Path, help="default: report.html in the first PATH")
    options = parser.parse_args(arguments)
    headless()
    speak()

    from sup.report.page import report  # matplotlib

    try:
        print(f"report: {report(options.paths, options.output)}")
    except (OSError, SettingError) as error:
        raise SystemExit(f"error: {error}") from error
    except BrokenProcessPool as error:
        raise SystemExit("error: a process that draws has died, perhaps for its memory") from error
    except KeyboardInterrupt:
        print("\nstopped", file=sys.stderr)
        raise SystemExit(130) from None


if __name__ == "__main__":
    main()
