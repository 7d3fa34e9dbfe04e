"""Making stacks that are small enough."""

from bisect import bisect_left
from collections.abc import Callable, Sequence
from itertools import groupby

from sup.config.run import Run
from sup.sweep.cutting import cut
from sup.training.stack import Stack, stacks_of


def fitting(runs: Sequence[Run], fits: Callable[[Stack], bool]) -> list[Stack]:
    """Group runs into stacks that fit, in the order of the runs.

    A run that does not fit by itself is cut into parts, by halves of its own grid: what fits or not
    being the same, a command that is started again finds the parts it has trained.
    """
    stacks = []
    for group in stacks_of(runs):
        if fits(group):
            stacks.append(group)
            continue
        left = [one for run in group.runs for one in cut(run, lambda run: fits(alone(run)))]
        while left:
            count = most_that_fit(left, fits)
            stacks.append(Stack(tuple(left[:count])))
            left = left[count:]
    return stacks


def most_that_fit(runs: Sequence[Run], fits: Callable[[Stack], bool]) -> int:
    """Return how many of the first runs fit in one stack, at least one.

    By bisection: asked run by run, a thousand runs take seconds, and ten thousand many minutes.
    """
    counts = range(1, len(runs) + 1)
    too_many = bisect_left(counts, True, key=lambda count: not fits(Stack(tuple(runs[:count]))))
    return max(1, too_many)


def alone(run: Run) -> Stack:
    """Return a stack of one run."""
    return Stack((run,))


def parts_by_whole(stacks: Sequence[Stack], runs: Sequence[Run]) -> list[list[Run]]:
    """Return the parts that stacks hold, those of each whole run together.

    Args:
        stacks: made of `runs` by `fitting`.
        runs: some of which have been cut.
    """
    known = set(runs)
    trained = [run for stack in stacks for run in stack.runs if run not in known]
    return [list(parts) for _, parts in groupby(trained, key=lambda part: part.whole)]
