"""A training step of ours against other ways to train the same models, and against its floor.

All ways are interleaved in one process, a block of steps each, several rounds; figures are medians
over the rounds of milliseconds per step of all K models, and of ratios to ours within a round, with
the lowest and the highest. Each way of torch has one thread or all, whichever is faster.
`python benchmarks/speed.py a b` runs some workloads.
"""

import argparse
import json
import statistics
from pathlib import Path
from typing import Any

import torch
from baselines import Notebook, jax_scan, lightning, loop, tms_kit
from floors import arithmetic, products, random_numbers, traffic
from ours import ByKernel, ByTorch
from workloads import WORKLOADS, Step, Workload, best_threads, machine, measure

from sup.system.memory import keep_freed_memory

OURS = "native"
OWN_THREADS = (OURS, "jax", "words alone")
"""Ways that do not compute on torch's threads."""


def ways(work: Workload) -> dict[str, Step]:
    """Return all ways to take a step, and what no way can undercut."""
    known: dict[str, Step | None] = {
        OURS: ByKernel(work),
        "compiled": ByTorch(work, "compiled"),
        "closed form": ByTorch(work, "eager"),
        "autograd": ByTorch(work, "autograd"),
        "notebook": Notebook(work),
        "tms-kit": tms_kit(work),
        "jax": jax_scan(work),
        "loop": loop(work),
        "lightning": lightning(work),
        "arithmetic at peak": arithmetic(work),
        "products alone": products(work),
        "words alone": random_numbers(work),
        "traffic alone": traffic(work),
    }
    return {name: way for name, way in known.items() if way is not None}


def summary(times: dict[str, list[float]]) -> dict[str, dict[str, float]]:
    """Return the median of each way's milliseconds, and its ratio to ours with its range."""
    result = {}
    for name, taken in times.items():
        ratios = sorted(one / own for one, own in zip(taken, times[OURS], strict=True))
        result[name] = {
            "ms": statistics.median(taken),
            "ratio": statistics.median(ratios),
            "lowest": ratios[0],
            "highest": ratios[-1],
        }
    return result


def main() -> None:
    """Measure the chosen workloads, print a table and write `benchmarks/speed.json`."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("workloads", nargs="*", default=[*WORKLOADS], metavar="a|b|c|d")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument(
        "--threads", type=int, help="at most, of torch and of ours; JAX takes all cores"
    )
    options = parser.parse_args()
    if options.threads:
        torch.set_num_threads(options.threads)
    keep_freed_memory()  # as train.py does; it makes the notebook three times faster as well
    results: dict[str, Any] = {"machine": machine()}
    print(results["machine"])
    for name in options.workloads:
        work = WORKLOADS[name]
        known = ways(work)
        threads = {
            way: 1 if way in OWN_THREADS else best_threads(step) for way, step in known.items()
        }
        for way in known.keys() & OWN_THREADS:
            known[way]()  # compiles
        times = measure(known, threads, options.rounds)
        results[name] = summary(times)
        print(f"\n({name}) K={work.K} n={work.n} m={work.m} B={work.batch}")
        for way, one in results[name].items():
            spread = f"{one['lowest']:.2f} to {one['highest']:.2f}"
            count = "" if way in OWN_THREADS else f", torch's threads: {threads[way]}"
            print(f"  {way:18} {one['ms']:9.4f} ms {one['ratio']:9.2f} x native ({spread}){count}")
    path = Path(__file__).with_name("speed.json")
    path.write_text(json.dumps(results, indent=1))


if __name__ == "__main__":
    main()
