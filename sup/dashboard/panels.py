"""What a W&B project shows: pure functions that make its workspace and a report of it.

Panels refer to what is logged by its name (`sup.training.names`), and to settings by their keys.
Of the keys, only those without a dot: W&B's panels take a dot for a config within the config.
What would be sent is in a private part of wandb-workspaces (`_to_model`; read: 0.4.13).
"""

from typing import Any

import wandb_workspaces.workspaces as ws
from wandb_workspaces.reports.v2 import interface as wr

from sup.analysis.metrics import PER_INSTANCE, dimensions_per_feature, features_represented
from sup.training.names import GALLERY, GRAM, INSTANCES, JOBS, LOSS, STEP, TRAINING_LOSS

MEASURES = (*PER_INSTANCE,)
"""Those with one number for each model, by name."""

COMPARED = (dimensions_per_feature.__name__, features_represented.__name__)
"""Those of them that are set against what models were trained with."""

LARGE = wr.Layout(w=24, h=12)
"""A panel as wide as the page."""

ABOUT = (
    "Toy models of superposition: how many features activation functions make of few hidden "
    "dimensions. Curves are over optimizer steps; a run with a grid of models shows their mean. "
    f"`{TRAINING_LOSS}` is of the batches, `{LOSS}` of held-out samples when training has ended."
)


def sections() -> dict[str, list[Any]]:
    """Return the panels, by the heading above them."""
    return {
        "Training": [
            line(TRAINING_LOSS, log_y=True),
            line(TRAINING_LOSS, log_y=True, groupby="activation"),
            *(line(name, groupby="activation") for name in MEASURES),
        ],
        "Trained models": [bars(name) for name in (LOSS, *MEASURES)],
        "Along sparsity": [
            wr.ScatterPlot(x=wr.Config("sparsity"), y=wr.SummaryMetric(name), title=name)
            for name in (LOSS, *COMPARED)
        ],
        "W^T W": [wr.MediaBrowser(media_keys=[GRAM], num_columns=4, layout=LARGE)],
        "Settings and what comes of them": [parallel()],
        "Sweeps": [
            wr.MediaBrowser(media_keys=[GALLERY], layout=LARGE),
            wr.WeavePanelSummaryTable(table_name=INSTANCES, layout=LARGE),
            wr.WeavePanelSummaryTable(table_name=JOBS, layout=LARGE),
        ],
    }


def line(name: str, groupby: str | None = None, **options: Any) -> wr.LinePlot:
    """Return curves over steps: one for each run, or for each value of a setting."""
    title = name if groupby is None else f"{name} by {groupby}"
    if groupby is not None:
        options |= {"groupby": wr.Config(groupby), "groupby_aggfunc": "mean"}
        options |= {"groupby_rangefunc": "minmax"}
    return wr.LinePlot(title=title, x=STEP, y=[name], **options)


def bars(name: str) -> wr.BarPlot:
    """Return a bar for each activation, of the mean over its runs."""
    return wr.BarPlot(
        title=name,
        metrics=[name],
        groupby=wr.Config("activation"),
        groupby_aggfunc="mean",
        groupby_rangefunc="minmax",
    )


def parallel() -> wr.ParallelCoordinatesPlot:
    """Return a line for each run, through its settings and what comes of them."""
    settings = ("activation", "n_features", "n_hidden", "sparsity", "seed")
    columns = [
        *(wr.ParallelCoordinatesPlotColumn(wr.Config(name)) for name in settings),
        *(wr.ParallelCoordinatesPlotColumn(wr.SummaryMetric(name)) for name in COMPARED),
        wr.ParallelCoordinatesPlotColumn(wr.SummaryMetric(LOSS), log=True),
    ]
    return wr.ParallelCoordinatesPlot(columns=columns, layout=LARGE)


def workspace(entity: str, project: str) -> ws.Workspace:
    """Return a project's workspace: a section for each heading, over all of its runs."""
    return ws.Workspace(
        entity=entity,
        project=project,
        name="Superposition",
        sections=[
            ws.Section(name=name, panels=panels, is_open=True)
            for name, panels in sections().items()
        ],
        settings=ws.WorkspaceSettings(x_axis=STEP, max_runs=50),
    )


def report(entity: str, project: str) -> wr.Report:
    """Return a report of a project: the same panels under headings, over its runs as they are."""
    blocks: list[Any] = [wr.P(ABOUT)]
    for name, panels in sections().items():
        # Without a project, a set of runs is of the report's own, and no server need be asked.
        blocks += [wr.H2(name), wr.PanelGrid(panels=panels, runsets=[wr.Runset(name="runs")])]
    return wr.Report(
        entity=entity,
        project=project,
        title=f"Superposition in {project}"[:128],
        description="Made by python -m sup.dashboard",
        blocks=blocks,
        width="fluid",
    )


def specification(entity: str, project: str) -> dict[str, Any]:
    """Return what W&B is sent, as plain Python: of the workspace, and of the report."""
    made = {"workspace": workspace(entity, project), "report": report(entity, project)}
    # Both libraries' own models: there is no public way to what would be sent.
    return {
        kind: one._to_model().spec.model_dump(mode="json", by_alias=True, exclude_none=True)
        for kind, one in made.items()
    }
