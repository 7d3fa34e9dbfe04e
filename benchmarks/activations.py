"""What a training step of each activation costs, relative to ReLU's.

70 models of ten features and five dimensions on 1,024 samples, by native kernels where there are
any, else by torch. Times are the processor's, of all threads together. All are interleaved in one
process, a block of steps each, several rounds; a figure is the median over the rounds of the ratio
to ReLU within a round.
`python benchmarks/activations.py solu swish` measures some.
"""

import argparse
import statistics
import time

import sup
from sup.config.activations import ACTIVATIONS
from sup.config.options import part_of

FEW, MANY, ROUNDS = 100, 600, 3


def seconds(name: str, engine: str) -> float:
    """Return how long a step takes: by a run's time and that of a shorter one."""
    part = part_of("activation", name)
    axes = [key for key, about in ACTIVATIONS[name].settings.items() if about.axis]
    several = {f"activation_{key}": [0.9, 1.1] for key in axes}  # as numbers of each instance
    seeds = range(70 // 2 if several else 70)
    shared = {"activation": part, "seed": seeds, "sparsity": 0.9, "engine": engine, **several}
    taken = []
    for steps in (FEW, MANY):
        began = time.process_time()
        sup.train(n_features=10, n_hidden=5, steps=steps, **shared)
        taken.append(time.process_time() - began)
    return (taken[1] - taken[0]) / (MANY - FEW)


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", default=list(ACTIVATIONS))
    names = ["relu", *(name for name in parser.parse_args().names if name != "relu")]
    without = ("solu_norm", "groups")
    taken: dict[str, list[float]] = {name: [] for name in names}
    for _ in range(ROUNDS):
        for name in names:
            taken[name].append(seconds(name, "auto" if name in without else "native"))
    print(f"{'activation':14} {'ms/step':>8} {'x ReLU':>7}")
    for name, own in taken.items():
        ratio = statistics.median(a / b for a, b in zip(own, taken["relu"], strict=True))
        print(f"{name:14} {1e3 * statistics.median(own):8.3f} {ratio:7.2f}")


if __name__ == "__main__":
    main()
