"""At which steps a run pauses to be measured."""

from collections.abc import Iterator

CHUNK = 100
"""Most optimizer steps in one `training_step`: enough to hide Lightning's cost of a millisecond
per call, few enough for a lively progress bar."""

MEASUREMENTS = 100
"""Evenly spaced measurements in a run, beside the log-spaced ones."""


FRAMES = 32
"""Most snapshots of the weights in a run: a few seconds of animation."""

LARGEST_SNAPSHOT = 256
"""Weights of one model up to which snapshots are kept: 32 of them take 32 kB at most."""


def log_spaced(steps: int) -> list[int]:
    """Return 1, 2, 5, 10, 20, 50, ... up to `steps`, and `steps` itself."""
    points = {digit * 10**power for power in range(len(str(steps))) for digit in (1, 2, 5)}
    return sorted({point for point in points if point < steps} | {steps})


def measured(steps: int) -> list[int]:
    """Return the steps after which metrics are measured: log-spaced and evenly spaced ones."""
    every = -(-steps // MEASUREMENTS)
    return sorted({*log_spaced(steps), *range(every, steps, every)})


def snapshots(steps: int) -> list[int]:
    """Return the steps whose weights are kept: 0, and up to `FRAMES` log-spaced measured ones."""
    points = measured(steps)
    wanted = (steps ** (k / (FRAMES - 1)) for k in range(FRAMES))
    return [0, *sorted({min(points, key=lambda point: abs(point - at)) for at in wanted})]


def chunks(steps: int, done: int = 0) -> Iterator[range]:
    """Yield the steps from `done` to `steps` in chunks that end at every measured step.

    One at a time: a run of 10^12 steps has as many chunks as no memory could hold.
    """
    start = done
    for end in measured(steps):
        while start < end:
            stop = min(end, (start // CHUNK + 1) * CHUNK)
            yield range(start, stop)
            start = stop
