"""Open files: a process may have only so many, and the logger of each run in a stack holds some."""

import resource

ENOUGH = 10_240
"""Files that every system grants to a process, unless it is told to grant less (macOS's most)."""

HELD_PER_RUN = 3
"""Files that W&B's service holds for each run, the most of all loggers."""

OTHERS = 100
"""Files held besides: by Python, by libraries, and the one that is written just now."""


def granted() -> int:
    """Return how many files a process may be allowed to have open."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    return ENOUGH if hard == resource.RLIM_INFINITY else min(hard, ENOUGH)


def allow_many() -> None:
    """Let this process have as many open files as it may.

    Shells start it with 1,024, or 256 on macOS: the loggers of a thousand runs need more.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and soft < granted():
        resource.setrlimit(resource.RLIMIT_NOFILE, (granted(), hard))


def most_runs() -> int:
    """Return how many runs can have their loggers open at a time."""
    return max(1, (granted() - OTHERS) // HELD_PER_RUN)
