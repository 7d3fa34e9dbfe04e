"""`python -m sup.dashboard ENTITY/PROJECT`: make a dashboard and a report of a project in W&B."""

import argparse
import json
import os
from importlib.util import find_spec

from sup.config.rules import in_one_line

INSTALL = "pip install -c constraints.txt -e '.[dashboard]'"


def main(arguments: list[str] | None = None) -> None:
    """Read the command line, make both, say where they are."""
    parser = argparse.ArgumentParser(prog="python -m sup.dashboard", description=__doc__)
    parser.add_argument("project", metavar="ENTITY/PROJECT", help="as in the project's address")
    parser.add_argument(
        "--json", action="store_true", help="print what W&B would be sent, and send nothing"
    )
    options = parser.parse_args(arguments)
    try:
        entity, project = parts_of(options.project)
        if find_spec("wandb_workspaces") is None:
            raise DashboardError(f"wandb-workspaces is not installed: {INSTALL}")
        if options.json:
            from sup.dashboard.panels import specification  # torch

            print(json.dumps(specification(entity, project), indent=2))
        else:
            check_server()
            save(entity, project)
    except DashboardError as error:
        raise SystemExit(f"error: {error}") from error


class DashboardError(Exception):
    """Why there is no dashboard."""


def parts_of(given: str) -> tuple[str, str]:
    """Return the entity and the project.

    Raises:
        DashboardError: where it is anything but the two.
    """
    entity, slash, project = given.partition("/")
    if not (entity and slash and project) or "/" in project:
        raise DashboardError(f"{given}: must be ENTITY/PROJECT, such as my-team/superposition")
    return entity, project


def check_server() -> None:
    """Check, within seconds, that somebody is logged in and that the server answers.

    Raises:
        DashboardError: where it is otherwise.
    """
    from sup.training.wandb_mode import api_key, server
    from sup.training.wandb_server import refusal

    key = api_key()
    if key is None and not os.environ.get("WANDB_IDENTITY_TOKEN_FILE"):
        raise DashboardError("nobody is logged in to W&B (wandb login); --json needs no account")
    if reason := refusal(server(), key):
        raise DashboardError(f"{reason}; --json prints what it would be sent")


def save(entity: str, project: str) -> None:
    """Make both in W&B, and say where they are.

    Raises:
        DashboardError: where W&B does not take them.
    """
    from sup.dashboard.panels import report, workspace
    from sup.training.wandb_mode import own_settings

    own_settings()  # it keeps W&B from talking: what it would say is said here
    try:
        print(
            f"report: {report(entity, project).save().url}"
        )  # makes the project where there is none
        print(f"workspace: {workspace(entity, project).save().url}")
    except Exception as error:  # the server's, the service's, the system's
        raise DashboardError(f"{entity}/{project}: {in_one_line(error)}") from error


if __name__ == "__main__":
    main()
