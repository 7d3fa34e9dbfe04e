"""`python -m sup.explore PATH...`: write a page in which to look into any results."""

import argparse
import sys
from pathlib import Path

from sup.config.rules import SettingError
from sup.system.display import speak


def main(arguments: list[str] | None = None) -> None:
    """Read the command line, write the page, say where it is."""
    parser = argparse.ArgumentParser(prog="python -m sup.explore", description=__doc__)
    parser.add_argument(
        "paths", nargs="+", type=Path, metavar="PATH", help="a run, a sweep, or a directory of them"
    )
    parser.add_argument("--output", type=Path, help="default: explorer.html in the first PATH")
    options = parser.parse_args(arguments)
    speak()

    from sup.explore.page import explore  # torch

    try:
        print(f"explorer: {explore(options.paths, options.output)}")
    except (OSError, SettingError) as error:
        raise SystemExit(f"error: {error}") from error
    except KeyboardInterrupt:
        print("\nstopped", file=sys.stderr)
        raise SystemExit(130) from None


if __name__ == "__main__":
    main()
