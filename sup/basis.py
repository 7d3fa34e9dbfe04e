"""A basis of the hidden space in which to show what each hidden dimension carries.

Models with weights W and QW, Q a rotation, are the same function: hidden space has no basis of its
own. Of all bases we take the one in which hidden dimensions carry as few features each as can be
(varimax), so that what still shares a dimension in the picture shares it in every basis.
"""

import numpy as np
from jaxtyping import Float


def varimax(
    W: Float[np.ndarray, "hidden feature"], iterations: int = 200, tolerance: float = 1e-9
) -> Float[np.ndarray, "hidden feature"]:
    """Return QW for the rotation Q that maximises the variance of the squared weights of a row.

    Kaiser, 1958, "The varimax criterion for analytic rotation in factor analysis", by the iteration
    of singular value decompositions that is usual for it. Rows are ordered by the feature that each
    carries most of, and signed so that its weight is positive.

    Args:
        W: weights of one model.
        iterations: at most so many.
        tolerance: ends when the criterion grows by less, relative to itself.
    """
    loadings = np.where(np.isfinite(W), W, 0.0).astype(np.float64).T
    m = loadings.shape[1]
    rotation, reached = np.eye(m), 0.0
    for _ in range(iterations):
        rotated = loadings @ rotation
        target = rotated**3 - rotated * (rotated**2).mean(0)
        left, values, right = np.linalg.svd(loadings.T @ target)
        rotation = left @ right
        if values.sum() <= reached * (1 + tolerance):
            break
        reached = values.sum()
    rows = (loadings @ rotation).T
    most = np.abs(rows).argmax(1)
    rows = rows * np.where(rows[np.arange(m), most] < 0, -1, 1)[:, None]
    return rows[np.argsort(most, kind="stable")].astype(W.dtype)
