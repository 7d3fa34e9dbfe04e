"""Train toy models of superposition: one run, or with `-m` a sweep in stacks."""

import hydra
from omegaconf import DictConfig

from sup.cli import errors


@hydra.main(version_base="1.3", config_path="conf", config_name="config")
def main(config: DictConfig) -> float | None:
    """Train the one run of a job and return what a search judges it by."""
    # torch and Lightning take seconds to import; help and errors in the config must not wait.
    from sup.cli.objective import value
    from sup.config.run import Run
    from sup.sweep.train import train

    (outcome,) = train([Run.of_job(config)])
    return value(outcome, config.objective)


if __name__ == "__main__":
    with errors.reported():
        main()
