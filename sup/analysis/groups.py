"""Which features belong together, in a hidden space that has no basis of its own."""

import numpy as np
from jaxtyping import Bool, Float

TOGETHER = 0.3
"""Features belong together if the cosine between them is greater, whatever its sign: if they are
less than 72.5 degrees apart, as lines. In a plane one of three lines always is, of any other."""


def together(
    W: Float[np.ndarray, "*axes hidden feature"],
    counted: Bool[np.ndarray, "*axes feature"],
    least: float = TOGETHER,
) -> Bool[np.ndarray, "*axes feature feature"]:
    """Tell which features are in one connected group: linked by large cosines, one by one.

    A feature that counts is in a group with itself at least, one that does not with none.

    Args:
        W: weights.
        counted: which features count, such as those of some norm.
        least: cosine from which on two features are linked.
    """
    W = W.astype(np.float64)
    norm = np.linalg.norm(W, axis=-2, keepdims=True)
    unit = np.divide(W, norm, out=np.zeros_like(W), where=norm > 0)
    cosine = np.abs(np.swapaxes(unit, -1, -2) @ unit)
    alone = np.eye(W.shape[-1], dtype=bool)
    joined = ((cosine > least) | alone) & counted[..., :, None] & counted[..., None, :]
    for _ in range((W.shape[-1] - 1).bit_length()):  # paths of one link, two, four, ...
        joined = joined @ joined
    return joined
