"""Train toy models of superposition: one run, or with `-m` a sweep in stacks."""

import hydra
from omegaconf import DictConfig

from sup import errors


@hydra.main(version_base="1.3", config_path="conf", config_name="config")
def main(config: DictConfig) -> float | None:
    """Train the one run of a job and return what a search judges it by."""
    # torch and Lightning take seconds to import; help and errors in the config must not wait.
    from sup.objective import value
    from sup.run import Run
    from sup.training import train

    (outcome,) = train([Run.of_job(config)])
    return value(outcome, config.objective)


if __name__ == "__main__":
    with errors.reported():
        main()
