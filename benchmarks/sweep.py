"""Twelve jobs in one stack against one job: whole commands, imports, W&B and figures included."""

import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parent.parent
COMMANDS = {
    "one job": (),
    "twelve jobs": ("-m", "activation=relu,gelu,solu", "sparsity=0,0.5,0.9,0.99"),
}


def seconds(arguments: tuple[str, ...]) -> float:
    """Time one command in an empty folder."""
    with tempfile.TemporaryDirectory() as folder:
        start = time.perf_counter()
        subprocess.run(
            [sys.executable, ROOT / "train.py", *arguments],
            cwd=folder,
            check=True,
            capture_output=True,
        )
        return time.perf_counter() - start


def main(repeats: int = 3) -> None:
    """Print each command's median time and their ratio, and write them as JSON."""
    times: dict[str, list[float]] = {name: [] for name in COMMANDS}
    for _ in range(repeats):
        for name, arguments in COMMANDS.items():
            times[name].append(seconds(arguments))
    medians = {name: statistics.median(taken) for name, taken in times.items()}
    for name, taken in times.items():
        print(f"{name:12} {medians[name]:6.1f} s   ({', '.join(f'{t:.1f}' for t in taken)})")
    ratio = medians["twelve jobs"] / medians["one job"]
    print(f"{'ratio':12} {ratio:6.2f}")
    result = {"seconds": times, "median": medians, "ratio": ratio}
    (ROOT / "benchmarks" / "sweep.json").write_text(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
