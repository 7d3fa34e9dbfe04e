"""Making stacks that are small enough."""

from collections.abc import Callable, Sequence
from itertools import groupby

from sup.cutting import cut
from sup.run import Run
from sup.stack import Stack, stacks_of


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
        held: list[Run] = []
        for part in (one for run in group.runs for one in cut(run, lambda run: fits(alone(run)))):
            if held and not fits(Stack((*held, part))):
                stacks.append(Stack(tuple(held)))
                held = []
            held.append(part)
        stacks.append(Stack(tuple(held)))
    return stacks


def alone(run: Run) -> Stack:
    """Return a stack of one run."""
    return Stack((run,))


def parts_by_whole(stacks: Sequence[Stack], runs: Sequence[Run]) -> list[list[Run]]:
    """Return the parts that stacks hold, those of each whole run together.

    Args:
        stacks: made of `runs` by `fitting`.
        runs: some of which have been cut.
    """
    trained = [run for stack in stacks for run in stack.runs if run not in runs]
    return [list(parts) for _, parts in groupby(trained, key=lambda part: part.whole)]
