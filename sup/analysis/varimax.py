"""A basis of the hidden space in which to show what each hidden dimension carries.

Models with weights W and QW, Q a rotation, are the same function: hidden space has no basis of its
own, and what a dimension carries depends on the basis. The one shown is varimax's, which makes the
squared weights of a dimension as unequal as can be: features that are orthogonal get dimensions of
their own, and those that are not share one in every basis.
"""

import numpy as np
from jaxtyping import Float

STARTS = 8
"""Random bases from which the search starts, beside the given one, which can be a saddle."""

ITERATIONS, TOLERANCE = 200, 1e-9
"""A search ends after so many iterations, or when the criterion grows by less, relatively."""


def varimax(W: Float[np.ndarray, "hidden feature"]) -> Float[np.ndarray, "hidden feature"]:
    """Return QW for the rotation Q that maximises the variance of the squared weights of a row.

    Kaiser, 1958, "The varimax criterion for analytic rotation in factor analysis", by the iteration
    of singular value decompositions that is usual for it. Rows are ordered by the feature that each
    carries most of, and signed so that its weight is positive.

    Args:
        W: weights of one model.
    """
    loadings = np.where(np.isfinite(W), W, 0.0).astype(np.float64).T
    m = loadings.shape[1]
    generator = np.random.default_rng(0)
    starts = [np.eye(m)]
    starts += [np.linalg.qr(generator.normal(size=(m, m)))[0] for _ in range(STARTS)]
    found = [_climb(loadings, start) for start in starts]
    rotation = max(found, key=lambda one: _criterion(loadings @ one))
    rows = (loadings @ rotation).T
    most = np.abs(rows).argmax(1)
    rows = rows * np.where(rows[np.arange(m), most] < 0, -1, 1)[:, None]
    return rows[np.argsort(most, kind="stable")].astype(W.dtype)


def _criterion(loadings: np.ndarray) -> float:
    """Return the variance of the squared weights ``[feature, hidden]``, summed over dimensions."""
    return float((loadings**2).var(0).sum())


def _climb(loadings: np.ndarray, rotation: np.ndarray) -> np.ndarray:
    """Improve a rotation until the criterion stands still."""
    reached = 0.0
    for _ in range(ITERATIONS):
        rotated = loadings @ rotation
        target = rotated**3 - rotated * (rotated**2).mean(0)
        left, values, right = np.linalg.svd(loadings.T @ target)
        rotation = left @ right
        if values.sum() <= reached * (1 + TOLERANCE):
            break
        reached = values.sum()
    return rotation


def leading_share(W: Float[np.ndarray, "hidden feature"]) -> float:
    """Return the mean over dimensions of the largest feature's share of the squared weights.

    1 where each dimension carries one feature alone; a dimension without weights is left out.
    """
    squares = W.astype(float) ** 2
    total = squares.sum(1)
    return float((squares.max(1)[total > 0] / total[total > 0]).mean()) if total.any() else 0.0
