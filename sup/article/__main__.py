"""`python -m sup.article`: trains every experiment of the article and writes the report on them.

Each experiment is one `train.py` command in a directory of its own, so that what was interrupted
goes on, and what is finished is left alone, when this is started again.
"""

import argparse
import subprocess
import sys
from pathlib import Path

EXPERIMENTS: dict[str, tuple[str, ...]] = {
    "bottleneck": (),
    "bottleneck_sizes": (),
    "phase_diagram": (),
    "dimensions": (),
    "dimensions_converged": (),
}
"""The overrides of the full form: none."""

SIX = "sparsity=[0,0.3768763838,0.6117169589,0.8234888649,0.9197590996,0.95]"
"""Of the article's twenty, those of k = 0, 3, 6, 11, 16, 19: its curve is known there."""

QUICK: dict[str, tuple[str, ...]] = {
    "bottleneck": ("steps=2000", "seed=[0,1,2,3]"),
    "bottleneck_sizes": ("steps=5000", "seed=[0,1,2,3]"),
    "phase_diagram": ("resolution=11", "steps=1000", "seed=[0,1,2,3,4,5,6,7]"),
    "dimensions": (SIX, "steps=2500", "seed=[0,1]"),
    "dimensions_converged": (SIX, "steps=5000"),
}
"""The overrides of the quick form: minutes on two cores."""


def train(directory: Path, forms: dict[str, tuple[str, ...]], overrides: list[str]) -> None:
    """Train the experiments one after another.

    Raises:
        SystemExit: with the status of a command that failed.
    """
    for number, (name, own) in enumerate(forms.items(), 1):
        print(f"\n[{number}/{len(forms)}] experiment={name}", *own, flush=True)
        place = f"hydra.sweep.dir='{directory / name}'"
        run("sup", [f"experiment={name}", *own, place, *overrides])


def write_report(results: list[Path], directory: Path) -> None:
    """Write the report on them, as everybody does: by its command.

    Raises:
        SystemExit: with the status of a command that failed.
    """
    print("\nwriting the report ...", flush=True)
    run("sup.report", [*map(str, results), "--output", str(directory / "report.html")])


def run(module: str, arguments: list[str]) -> None:
    """Run a command of this project, in a process of its own.

    Raises:
        SystemExit: with its status, where that is not 0.
    """
    process = subprocess.Popen([sys.executable, "-m", module, *arguments])
    try:
        status = process.wait()
    except KeyboardInterrupt:  # the terminal has told the command too: let it end by itself
        process.wait()
        raise
    if status:
        raise SystemExit(status)


def main(arguments: list[str] | None = None) -> None:
    """Read the command line, train, write the report."""
    parser = argparse.ArgumentParser(prog="python -m sup.article", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="coarser grids and fewer steps")
    parser.add_argument("--directory", type=Path, help="default: outputs/article[-quick]")
    parser.add_argument("overrides", nargs="*", help="of every experiment, such as trainer=gpu")
    options = parser.parse_args(arguments)
    forms = QUICK if options.quick else EXPERIMENTS
    name = "article-quick" if options.quick else "article"
    directory = (options.directory or Path("outputs") / name).absolute()
    try:
        train(directory, forms, options.overrides)
        write_report([directory / name for name in forms], directory)
    except KeyboardInterrupt:
        print("\nstopped; the same command goes on from here", file=sys.stderr)
        raise SystemExit(130) from None


if __name__ == "__main__":
    main()
