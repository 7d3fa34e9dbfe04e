"""Train toy models of superposition: one run, or with `-m` a sweep of runs in stacks.

Every Hydra job comes through `main`, with `-m` and without. It says what its run is, and goes on
when that is trained: by itself, or together with those of all other jobs.
"""

from collections.abc import Generator
from typing import Any

from sup.cli.command import command  # what @hydra.main is elsewhere


@command
def main(config: Any) -> Generator[Any, Any, float | None]:
    """Describe the run of one job, and say by what a search judges it."""
    # torch and Lightning take seconds to import; help and errors in the config must not wait.
    from sup.cli.jobs import describe, objective

    run = describe(config)  # its settings, and where it writes
    del config  # 100 KB, for each job that waits here
    results = yield run  # trained with the runs of the other jobs, in as few stacks as can be
    return objective(run, results)


if __name__ == "__main__":
    main()
