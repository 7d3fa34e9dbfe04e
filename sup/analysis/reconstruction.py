"""What models reconstruct of their features, whatever their weights say."""

import torch
from jaxtyping import Float, Float64
from torch import Tensor

from sup.analysis.thresholds import EXPLAINED_THRESHOLD


def explained(
    squared_error: Float[Tensor, "*axes feature"], variance: Float[Tensor, "*axes feature"]
) -> Float64[Tensor, "*axes feature"]:
    """Return the share of each feature's variance that its reconstruction explains.

    ``R2_i = 1 - E (x_i - x'_i)^2 / Var x_i``, at most 1; 0 for a reconstruction that is E x_i, and
    below that for one that is worse. The optimum of linear models has 1 on the m most important
    features and 0 on all others. Unlike ``D_i``, it is of what a model does, not of its weights.

    Args:
        squared_error: ``E (x_i - x'_i)^2``.
        variance: of each feature, or of what is to be made of it; nothing is said of one that is
            always the same.
    """
    known = torch.where(variance > 0, variance.double(), torch.nan)
    return 1 - squared_error.double() / known


def features_explained(R2: Float[Tensor, "*axes feature"]) -> Float[Tensor, "*axes"]:
    """Count the features with an explained variance above `EXPLAINED_THRESHOLD`.

    Not a number where an explained variance is none, as of models that have diverged.
    """
    count = (R2 > EXPLAINED_THRESHOLD).to(R2.dtype).sum(-1)
    return count.masked_fill(R2.isnan().any(-1), torch.nan)
