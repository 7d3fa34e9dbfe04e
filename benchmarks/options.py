"""What each option costs: the time of a step by that of the plain model, by the same engine.

    python benchmarks/options.py [NAME ...] [--rounds 3] [--steps 400]

Seventy models of n=10, m=5 on 1,024 samples: ten sparsities by seven seeds. An option is trained by
native kernels where they take it, else by torch's closed form, compiled, as in long trainings; the
plain model by both. A step is a run's time less that of a shorter one, so that neither compilation
nor evaluation is in it. Rounds go through all options in turn, and ratios are of one round; medians
are printed, as the table of `benchmarks/README.md`.
"""

import argparse
import logging
import os
from statistics import median
from typing import Any

import sup
from sup.config.options import OPTIONS

FEW = 100
"""Steps of the shorter run."""

GROUPS = ("importance", "features", "magnitude", "model", "optimizer", "scheduler")
"""Groups whose options are in a step; activations have a benchmark of their own."""

NEEDED: dict[str, dict[str, Any]] = {
    "importance=explicit": {"importance_values": [0.9**k for k in range(10)]},
    "features=explicit": {"features_sparsity": [0.9] * 10},
}
"""What options do not have by default."""

SETTINGS: dict[str, dict[str, Any]] = {
    "model.bias=false": {"model": "tied", "model_bias": False},
    "model.hidden_activation=relu": {"model": "tied", "model_hidden_activation": "relu"},
    "model.noise=0.1": {"model": "tied", "model_noise": 0.1},
    "model.l1=0.01": {"model": "tied", "model_l1": 0.01},
    "model.exponent=4": {"model": "tied", "model_exponent": 4},
    "model.unit_norm=true": {"model": "untied", "model_unit_norm": True},
    "model.task=abs": {"model": "untied", "model_task": "abs", "magnitude": "uniform"},
    "dataset_size=1024": {"dataset_size": 1024},
    "trainer.gradient_clip_val=1": {"trainer_gradient_clip_val": 1.0},
}
"""Settings that change a step, each with what it asks for."""

PLAIN = "plain"


def cases() -> dict[str, dict[str, Any]]:
    """Return what is measured, by name: the plain model, every other option, some settings."""
    plain = sup.Settings()
    found: dict[str, dict[str, Any]] = {PLAIN: {}}
    for group in GROUPS:
        others = [option for option in OPTIONS[group] if option != getattr(plain, group).name]
        for name, option in ((f"{group}={option}", option) for option in others):
            found[name] = {group: option, **NEEDED.get(name, {})}
    return found | SETTINGS


def milliseconds(given: dict[str, Any], engine: str, steps: int) -> float:
    """Return the time of a step of all models."""
    axes = {"sparsity": [0, 0.3, 0.5, 0.7, 0.8, 0.9, 0.95, 0.97, 0.99, 0.999], "seed": range(7)}
    if given.get("features") in ("exactly", "explicit"):
        axes = {"seed": range(70)}  # they have no sparsity
    runs = [sup.train(**axes, **given, engine=engine, steps=count) for count in (FEW, FEW + steps)]
    few, many = (float(data.attrs["wall_time"]) for data in runs)
    return 1000 * (many - few) / steps


def engine_of(given: dict[str, Any]) -> str:
    """Return what trains an option: kernels, or torch where these do not take it."""
    said: list[str] = []
    handler = logging.Handler()
    handler.emit = lambda record: said.append(record.getMessage())
    log = logging.getLogger("sup.training.engines")
    log.addHandler(handler)
    log.setLevel(logging.INFO)
    sup.train(**given, engine="native", steps=1)
    log.removeHandler(handler)
    return "compiled" if "engine: closed form" in said else "native"


def row(name: str, engine: str, own: list[float], plain: list[float], kernels: list[float]) -> str:
    """Return a line of the table: medians over rounds."""
    same, fast = (median(a / b for a, b in zip(own, by, strict=True)) for by in (plain, kernels))
    way = "kernels" if engine == "native" else "torch"
    return f"| {name} | {way} | {median(own):.2f} | {same:.1f} | {fast:.1f} |"


def main() -> None:
    """Measure in turn, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--steps", type=int, default=400)
    chosen = parser.parse_args()
    given = {name: one for name, one in cases().items() if name in chosen.names or not chosen.names}
    measured = {(PLAIN, engine): {} for engine in ("native", "compiled")}
    measured |= {(name, engine_of(one)): one for name, one in given.items() if name != PLAIN}
    times: dict[tuple[str, str], list[float]] = {key: [] for key in measured}
    for _ in range(chosen.rounds):
        for (name, engine), one in measured.items():
            times[name, engine].append(milliseconds(one, engine, chosen.steps))
    print(f"{os.cpu_count()} processors, {chosen.rounds} rounds of {chosen.steps} steps\n")
    print("| option | trained by | ms a step | by the plain model's, same way | by kernels' |")
    print("| --- | --- | ---: | ---: | ---: |")
    for (name, engine), own in times.items():
        print(row(name, engine, own, times[PLAIN, engine], times[PLAIN, "native"]))


if __name__ == "__main__":
    main()
