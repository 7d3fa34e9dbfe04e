"""At which steps a run pauses to be measured."""

CHUNK = 100
"""Most optimizer steps in one `training_step`: enough to hide Lightning's cost of a millisecond
per call, few enough for a lively progress bar."""

MEASUREMENTS = 100
"""Evenly spaced measurements in a run, beside the log-spaced ones."""


def log_spaced(steps: int) -> list[int]:
    """Return 1, 2, 5, 10, 20, 50, ... up to `steps`, and `steps` itself."""
    points = {digit * 10**power for power in range(len(str(steps))) for digit in (1, 2, 5)}
    return sorted({point for point in points if point < steps} | {steps})


def measured(steps: int) -> list[int]:
    """Return the steps after which metrics are measured: log-spaced and evenly spaced ones."""
    every = -(-steps // MEASUREMENTS)
    return sorted({*log_spaced(steps), *range(every, steps, every)})


def chunks(steps: int, done: int = 0) -> list[range]:
    """Split the steps from `done` to `steps` into chunks that end at every measured step."""
    ends = sorted({*measured(steps), *range(CHUNK, steps, CHUNK)})
    starts = [0, *ends[:-1]]
    return [
        range(max(start, done), end) for start, end in zip(starts, ends, strict=True) if end > done
    ]
