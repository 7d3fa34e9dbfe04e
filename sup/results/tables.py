"""Results as a table, for all that reads tables: pandas, spreadsheets, R, W&B."""

import pandas as pd
import xarray as xr

from sup.analysis.axes import axes_of
from sup.results.coordinates import SUFFIX


def to_dataframe(results: xr.Dataset) -> pd.DataFrame:
    """Return one row for each model: its settings, and every measure with one number for it.

    What is of each feature or step stands in the dataset alone. Models that diverged have rows, in
    which `diverged` says so; a combination of settings that no run has, has none.

    Args:
        results: of `sup.train`, `load_run`, `load_sweep` or `load_weights`, or a part of them.

    Returns:
        A table whose first columns are the axes, then the settings that are the same for all.
    """
    axes = axes_of(results)
    whole = results if axes else results.expand_dims("model")
    dims = axes or ["model"]
    measures = [name for name, one in whole.data_vars.items() if {*one.dims} <= {*dims}]
    settings = [
        name
        for name, one in whole.coords.items()
        if name not in axes and not str(name).endswith(SUFFIX) and {*one.dims} <= {*axes}
    ]
    table = whole[measures].to_dataframe(dims).reset_index()
    there = table[table["diverged"].notna()].reset_index(drop=True)
    return pd.DataFrame(there, columns=[*axes, *settings, *measures])
