"""What each option costs: the time of a step by that of the plain model, in the same process.

    python benchmarks/options.py [--rounds 3] [--steps 500]

Seventy models of n=10, m=5 on 1,024 samples: ten sparsities by seven seeds. The plain model is
measured twice: by the kernels that train it, and by torch's closed form, which trains the options
that kernels do not take. Rounds go through all options in turn; medians are shown.
"""

import argparse
from statistics import median
from typing import Any

import sup

SIGNED = {"magnitude": "uniform"}
VARIED = {"model": "tied"}

OPTIONS: dict[str, dict[str, Any]] = {
    "plain": {},
    "plain, by torch": {"engine": "compiled"},
    "sgd": {"optimizer": "sgd"},
    "features=power_law": {"features": "power_law"},
    "features=correlated": {"features": "correlated"},
    "features=hierarchical": {"features": "hierarchical"},
    "features=exactly": {"features": "exactly"},
    "features=at_least_one": {"features": "at_least_one"},
    "magnitude=fixed": {"magnitude": "fixed"},
    "magnitude=uniform": SIGNED,
    "magnitude=normal": {"magnitude": "normal"},
    "magnitude=exponential": {"magnitude": "exponential"},
    "dataset_size=1024": {"dataset_size": 1024},
    "model=tied": VARIED,
    "model.bias=false": VARIED | {"model_bias": False},
    "model.hidden_activation=relu": VARIED | {"model_hidden_activation": "relu"},
    "model.noise=0.1": VARIED | {"model_noise": 0.1},
    "model.l1=0.01": VARIED | {"model_l1": 0.01},
    "model.exponent=4": VARIED | {"model_exponent": 4},
    "model=untied": {"model": "untied"},
    "model.unit_norm=true": {"model": "untied", "model_unit_norm": True},
    "model.task=abs": {"model": "untied", "model_task": "abs"} | SIGNED,
}


def milliseconds(given: dict[str, Any], steps: int) -> float:
    """Return the time of a step of all models, compiling left out."""
    axes = {"sparsity": [0, 0.3, 0.5, 0.7, 0.8, 0.9, 0.95, 0.97, 0.99, 0.999], "seed": range(7)}
    if given.get("features") == "exactly":
        axes = {"seed": range(70)}  # it has no sparsity
    data = sup.train(**axes, **given, steps=steps)
    return 1000 * float(data.attrs["wall_time"]) / steps


def main() -> None:
    """Measure in turn, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--steps", type=int, default=500)
    chosen = parser.parse_args()
    times: dict[str, list[float]] = {name: [] for name in OPTIONS}
    for _ in range(chosen.rounds):
        for name, given in OPTIONS.items():
            times[name].append(milliseconds(given, chosen.steps))
    plain, by_torch = (median(times[name]) for name in ("plain", "plain, by torch"))
    print("| option | ms a step | by the plain model's | by torch's plain |\n|---|---|---|---|")
    for name, measured in times.items():
        own = median(measured)
        print(f"| {name} | {own:.2f} | {own / plain:.1f} | {own / by_torch:.2f} |")


if __name__ == "__main__":
    main()
