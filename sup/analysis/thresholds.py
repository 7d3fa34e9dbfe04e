"""From where on a feature counts as represented, as strong, or as reconstructed."""

NORM_THRESHOLD = 0.5
"""A feature counts as strong when its norm exceeds this: half of a fully represented one's."""

EXPLAINED_THRESHOLD = 0.5
"""A feature counts as reconstructed when more of its variance than this is explained: what is left
is less than what is known. A constant at its mean explains nothing."""


def dimensionality_threshold(hidden: int, features: int) -> float:
    """Return the ``D_i`` above which a feature counts as represented: 0.05, or half of m/n.

    The dimensionalities of n features add up to m at most, so m/n is each one's fair share. Many
    features in few dimensions that share them fairly are all represented; 0.05 is half the share
    of the article's largest experiment, 200 features in 20 dimensions, and never exceeded.
    """
    return min(0.05, hidden / features / 2)
