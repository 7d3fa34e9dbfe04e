"""Whether hidden dimensions are a basis of their own."""

import numpy as np
import xarray as xr


def has_neurons(results: xr.Dataset) -> bool:
    """Tell whether hidden dimensions are neurons: by an activation of theirs, or a penalty on them.

    Models without either are the same under any rotation (Elhage et al., 2022, "Superposition in a
    Privileged Basis"); an L1 penalty tells directions apart as well (Lecomte et al., 2023).
    """
    if "model_hidden_activation" not in results.coords:
        return False
    words = np.unique(results["model_hidden_activation"].values.astype(str))
    l1 = results["model_l1"].values.astype(float) if "model_l1" in results.coords else 0.0
    return bool({*words} - {"", "linear"}) or bool(np.nan_to_num(l1).any())
