"""How a report writes settings and numbers in its text and tables."""

from typing import Any

import numpy as np
import xarray as xr

from sup.config.grid import shown
from sup.figures.labels import setting_name
from sup.figures.style import activation_name

FEW = 10
"""Values of an axis that are written out."""


def plain_name(key: str) -> str:
    """Return what a setting is called, without mathematical type."""
    return setting_name(key).replace("$", "")


def values_of(axis: xr.DataArray) -> str:
    """Write the values of an axis: all of a few, of many the ends and how many there are."""
    values = axis.values.tolist()
    texts = [value_of(str(axis.name), value) for value in values]
    if len(values) <= FEW or not np.issubdtype(axis.dtype, np.number):
        return ", ".join(texts)
    return f"{len(values):,} from {texts[0]} to {texts[-1]}"


def value_of(key: str, value: Any) -> str:
    """Write a value of a setting."""
    if key == "activation":
        return activation_name(str(value))
    return f"{value:.6g}" if isinstance(value, float) else shown(value)


def measured(value: float) -> str:
    """Write a measure: three digits and no more zeros than they need; "" where there is none."""
    if not np.isfinite(value):
        return ""
    text = f"{value:.3g}"
    return text if "e" not in text else f"{value:.1e}"
