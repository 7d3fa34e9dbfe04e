"""`python -m sup.report PATH...`: write a report on any results."""

import argparse
from pathlib import Path

from sup.config.rules import SettingError
from sup.system.headless import headless


def main() -> None:
    """Read the command line, write the report, say where it is."""
    parser = argparse.ArgumentParser(prog="python -m sup.report", description=__doc__)
    parser.add_argument(
        "paths", nargs="+", type=Path, metavar="PATH", help="a run, a sweep, or a directory of them"
    )
    parser.add_argument(
        "--output", type=Path, default=Path("report.html"), help="default: report.html"
    )
    options = parser.parse_args()
    headless()

    from sup.article.page import write_report  # matplotlib

    try:
        options.output.parent.mkdir(parents=True, exist_ok=True)
        print(f"report: {write_report(options.paths, options.output)}")
    except (OSError, SettingError) as error:
        raise SystemExit(f"error: {error}") from error


if __name__ == "__main__":
    main()
