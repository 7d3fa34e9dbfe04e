"""The plan: which runs, or slices of runs, are trained together, made once for a whole command."""

import logging
from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from math import ceil

from sup.config.identity import stack_key
from sup.config.run import Run
from sup.launch.placement import Placement
from sup.sweep.kernels import needs_torch
from sup.sweep.memory import GIB, allowed_memory, needed
from sup.system.open_files import most_runs
from sup.training.slice import Slice
from sup.training.stack import Stack

log = logging.getLogger(__name__)


def plan(runs: Sequence[Run], finished: set[Run], place: Placement) -> list[Stack]:
    """Put what is left of runs into stacks: as few as their settings allow, each small enough.

    A run that is too large by itself is cut into slices. What is finished counts too: so a command
    that is started again makes the same stacks, and finds the slices that it has trained.

    Args:
        runs: in the order of their jobs.
        finished: those of them whose results are there.
        place: where they are trained.
    """
    stacks = []
    share = fair_share(runs, place.at_once)
    for group in grouped(runs):
        limits = group[0].settings.stack
        most = min(share, limits.max_instances or share)
        memory = allowed_memory(group[0].settings, place)

        def fits(stack: Stack, most: int = most, memory: float = memory) -> bool:
            few = stack.size <= most and len(stack.slices) <= most_runs()
            return few and needed(stack) <= memory

        whole = Stack.of(group)
        parts = [whole] if fits(whole) else list(_fitting(whole, fits))
        say_why(whole, parts, memory)
        for stack in parts:
            left = tuple(part for part in stack.slices if part.run not in finished)
            stacks += [Stack(left)] if left else []
    say(runs, len(finished), stacks)
    return stacks


def grouped(runs: Sequence[Run]) -> list[list[Run]]:
    """Group runs that share all but their own settings, and can share an engine.

    A stack with an activation that has no kernel is trained by torch, whose arithmetic differs in
    the last bits; a neighbour would notice.
    """
    groups: dict[tuple[str, bool], list[Run]] = {}
    for run in runs:
        groups.setdefault((stack_key(run.settings), needs_torch(run)), []).append(run)
    return list(groups.values())


def fair_share(runs: Sequence[Run], devices: int) -> int:
    """Return how many instances a stack has at the most, so that every device has one.

    A run is cut for their sake only where their number was asked for: a slice has no curves while
    it is trained.
    """
    asked = runs[0].settings.stack.devices != "auto"
    sizes = [run.size for run in runs]
    return max(ceil(sum(sizes) / devices), 1 if asked else max(sizes))


def say(runs: Sequence[Run], finished: int, stacks: Sequence[Stack]) -> None:
    """Say what is going to be trained."""
    if finished:
        log.info("%d of %d runs finished before", finished, len(runs))
    if len(stacks) > 1:
        waiting, instances = len(runs) - finished, sum(stack.size for stack in stacks)
        ending = "s" * (waiting > 1)
        log.info("%d run%s, %d instances, %d stacks", waiting, ending, instances, len(stacks))


def say_why(whole: Stack, parts: Sequence[Stack], memory: float) -> None:
    """Say why runs that could be one stack are several, where nobody has asked for that."""
    if needed(whole) > memory:
        wanted = f"would take {needed(whole) / GIB:.2g} GiB of memory, {memory / GIB:.2g}"
        log.info("%s: %s are allowed; trained in %d stacks", whole.title, wanted, len(parts))
    elif len(whole.slices) > most_runs():
        limit = f"no more than {most_runs()} runs can have their logs open (ulimit -Hn)"
        log.info("%s: %s; trained in %d stacks", whole.title, limit, len(parts))
    if (largest := max(map(needed, parts))) > memory:
        sizes = (largest / GIB, memory / GIB)
        log.warning("one instance would take %.2g GiB of memory, %.2g are allowed", *sizes)


def _cut(part: Slice, fits: Callable[[Stack], bool]) -> list[Slice]:
    """Cut a slice into some that fit, by halves; what cannot be halved is left as it is."""
    if len(part.places) == 1 or fits(Stack((part,))):
        return [part]
    middle = len(part.places) // 2
    halves = (part.places[:middle], part.places[middle:])
    return [piece for half in halves for piece in _cut(Slice(part.run, half), fits)]


def _fitting(whole: Stack, fits: Callable[[Stack], bool]) -> Iterator[Stack]:
    """Yield stacks of a stack's slices, in their order, each as large as fits.

    By bisection: asked one by one, a thousand runs take seconds, and ten thousand many minutes.
    """
    left = [half for part in whole.slices for half in _cut(part, fits)]
    while left:
        counts = range(1, len(left) + 1)
        too_many = bisect_left(counts, True, key=lambda count: not fits(Stack(tuple(left[:count]))))
        count = max(1, too_many)
        yield Stack(tuple(left[:count]))
        left = left[count:]
