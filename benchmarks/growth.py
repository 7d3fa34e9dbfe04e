"""How time and memory grow: K from 1 to 10,000 at n=10, and n from 10 to 2,000 at K=10.

Each point is measured in a process of its own, so that its peak of memory is its own.
"""

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
from pathlib import Path

from ours import ByKernel
from workloads import Workload, one_round

from sup.system.memory import keep_freed_memory

POINTS = [(K, 10, 5) for K in (1, 10, 100, 1_000, 10_000)]
POINTS += [(10, n, n // 10) for n in (20, 50, 100, 200, 500, 1_000, 2_000)]


def resident() -> int:
    """Return how many bytes of memory this process has now."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def point(K: int, n: int, m: int) -> dict[str, float]:
    """Measure one size: milliseconds per step, and what the models add to the peak of memory."""
    keep_freed_memory()
    before = resident()
    work = Workload(densities=min(K, 10), members=max(K // 10, 1), n=n, m=m)
    step = ByKernel(work)
    step()
    taken = statistics.median(one_round(step, 0.5, 1) for _ in range(3))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    return {"K": K, "n": n, "m": m, "ms": taken, "peak": peak - before}


def main() -> None:
    """Measure all sizes, print a table and write `benchmarks/growth.json`."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--point", type=int, nargs=3, metavar=("K", "n", "m"))
    options = parser.parse_args()
    if options.point:
        print(json.dumps(point(*options.point)))
        return
    results = []
    print(
        f"{'K':>6} {'n':>5} {'m':>4} {'ms/step':>9} {'us/model-step':>14} {'MB':>8} {'KB/model':>9}"
    )
    for sizes in POINTS:
        command = [sys.executable, __file__, "--point", *map(str, sizes)]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
        one = json.loads(done.stdout)
        results.append(one)
        each, peak = one["ms"] / one["K"] * 1e3, one["peak"]
        numbers = f"{one['ms']:9.2f} {each:14.1f} {peak / 1e6:8.0f} {peak / 1e3 / one['K']:9.0f}"
        print(f"{one['K']:6} {one['n']:5} {one['m']:4} {numbers}")
    Path(__file__).with_suffix(".json").write_text(json.dumps(results, indent=1))


if __name__ == "__main__":
    main()
