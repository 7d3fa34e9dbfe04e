"""From runs to results: planned into stacks once, trained wherever that is, and finished once."""

from collections.abc import Sequence

from sup.config.run import Run
from sup.launch.local import local_placement
from sup.launch.placement import Placement
from sup.sweep.finish import Result, finish
from sup.sweep.plan import plan
from sup.sweep.resume import begin
from sup.sweep.work import elsewhere, work
from sup.system.signals import stoppable


def train(runs: Sequence[Run], placement: Placement | None = None) -> list[Result]:
    """Train runs, in as few stacks as their settings allow.

    Runs that are finished stay as they are, and stacks that were interrupted go on.

    Args:
        runs: in the order of their jobs.
        placement: where stacks are trained; None: on this machine.

    Returns:
        What became of each run, in the order of `runs`: its results, or the `RunError` that says
        why it has none.

    Raises:
        SettingError: for what the runs of one command cannot ask.
    """
    place = placement or local_placement(runs)
    stacks = plan(runs, begin(runs), place)
    with stoppable():
        return finish(runs, stacks, place(stacks, work if place.is_here else elsewhere))
