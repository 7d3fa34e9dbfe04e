"""`python -m sup.explore PATH...`: write a page in which to look into any results."""

from pathlib import Path

from sup.explore.command import write_by_command


def write(paths: list[Path], output: Path | None) -> Path:
    """Write the page."""
    from sup.explore.page import explore  # torch

    return explore(paths, output)


def main(arguments: list[str] | None = None) -> None:
    """Read the command line, write the page, say where it is."""
    write_by_command("explorer", __doc__, write, arguments)


if __name__ == "__main__":
    main()
