"""`python -m sup.report PATH...`: write a report on any results."""

from pathlib import Path

from sup.explore.command import write_by_command
from sup.system.headless import headless


def write(paths: list[Path], output: Path | None) -> Path:
    """Write the report."""
    headless()
    from sup.report.page import report  # matplotlib

    return report(paths, output)


def main(arguments: list[str] | None = None) -> None:
    """Read the command line, write the report, say where it is."""
    write_by_command("report", __doc__, write, arguments)


if __name__ == "__main__":
    main()
