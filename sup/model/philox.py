"""Philox4x32-10: random words as a function of a counter and a key, with no state between them.

Salmon, Moraes, Dror & Shaw, "Parallel random numbers: as easy as 1, 2, 3", 2011, section 3.3. Here
as torch's operations on whole numbers, which are exact: every device makes the same words.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

MASK = 2**32 - 1
_ROUNDS = 10
_MULTIPLIERS = 0xD2511F53, 0xCD9E8D57
_WEYL = 0x9E3779B9, 0xBB67AE85
"""What the key grows by from round to round: the golden ratio, and the root of 3 less 1."""


def philox(counter: Sequence[Tensor], key: Sequence[Tensor]) -> Sequence[Tensor]:
    """Return the four words of each counter.

    Args:
        counter: its four words, in int64 and in [0, 2^32), of shapes that broadcast.
        key: its two words, likewise.

    Returns:
        Words in [0, 2^32), in int64, of the shape that all have in common.
    """
    c0, c1, c2, c3 = counter
    for number in range(_ROUNDS):
        k0, k1 = (word + number * step for word, step in zip(key, _WEYL, strict=True))
        # Modulo 2^64, as unsigned. Products stay unmasked: of c1, c3 the lower halves alone count.
        product0, product2 = c0 * _MULTIPLIERS[0], c2 * _MULTIPLIERS[1]
        c0 = ((product2 >> 32) ^ c1 ^ k0) & MASK
        c2 = ((product0 >> 32) ^ c3 ^ k1) & MASK
        c1, c3 = product2, product0
    return torch.broadcast_tensors(c0, c1 & MASK, c2, c3 & MASK)
