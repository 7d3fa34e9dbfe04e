"""The claim about ReLU's pairs: decided where pairs are not all that there is room for."""

from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from sup.analysis.experiment import experiment_of
from sup.article.along_sizes import paired
from sup.article.claims import CLAIMS, judge
from sup.article.evidence import Evidence
from sup.article.parts import Thresholds

(C2,) = (claim for claim in CLAIMS if claim.name == "C2")
SIZES, HIDDEN, SEEDS = (4, 6, 8), 3, 4


def ring(count: int, turn: float = 0.0) -> np.ndarray:
    """Return a regular polygon, ``[2, feature]``."""
    angle = 2 * np.pi * np.arange(count) / count + turn
    return np.stack([np.cos(angle), np.sin(angle)])


def beside(*blocks: np.ndarray) -> np.ndarray:
    """Return features in dimensions of their own, block by block."""
    W = np.zeros([sum(sizes) for sizes in zip(*(one.shape for one in blocks), strict=True)])
    row = column = 0
    for one in blocks:
        W[row : row + len(one), column : column + one.shape[1]] = one
        row, column = row + len(one), column + one.shape[1]
    return W


PAIR, ALONE = np.array([[1.0, -1.0]]), np.eye(1)
CUBE = np.array(np.meshgrid(*[[-1, 1]] * 3)).reshape(3, 8) / 3**0.5
TETRAHEDRON = CUBE[:, CUBE.prod(0) > 0]
ANTIPRISM = np.concatenate(
    [
        np.concatenate([0.86 * ring(4), np.full((1, 4), 0.51)]),
        np.concatenate([0.86 * ring(4, np.pi / 4), np.full((1, 4), -0.51)]),
    ],
    axis=1,
)
RANDOM = {n: np.random.default_rng(n).normal(size=(HIDDEN, n)) / 2**0.5 for n in SIZES}
ZEROS = {n: np.zeros((HIDDEN, n)) for n in SIZES}
TOP = {n: np.eye(HIDDEN, n) for n in SIZES}
ALIGNED = {n: np.tile(np.eye(HIDDEN), 3)[:, :n] for n in SIZES}
PAIRS = {4: beside(PAIR, ALONE, ALONE), 6: beside(PAIR, PAIR, PAIR), 8: CUBE}
FORCED = PAIRS | {4: TETRAHEDRON, 8: ANTIPRISM}
"""Pairs only where n = 2m."""


def sizes(low: dict[int, np.ndarray], high: dict[int, np.ndarray]) -> Evidence:
    """Make evidence of the same weights for each seed, at the lowest and at a high sparsity."""
    W = np.full((len(low), SEEDS, 2, HIDDEN, max(low)), np.nan)
    for at, n in enumerate(low):
        W[at, ..., :n] = np.stack([low[n], high[n]])
    dims = ("n_features", "seed", "sparsity")
    data = {"W": ((*dims, "hidden", "feature"), W), "loss": (dims, np.ones(W.shape[:3]))}
    axes = {"n_features": list(low), "seed": range(SEEDS), "sparsity": [0.0, 0.99]}
    return Evidence(Path(), xr.Dataset(data, {**axes, "activation": "relu"}))


@pytest.mark.parametrize(
    ("low", "high", "word"),
    [
        (TOP, PAIRS, "holds"),
        (TOP, FORCED, "depends"),
        (TOP, TOP, "depends"),
        (PAIRS, PAIRS, "depends"),
        (TOP, ZEROS, "depends"),
        (ZEROS, ZEROS, "depends"),
        (ALIGNED, ALIGNED, "does not hold"),
        (RANDOM, RANDOM, "does not hold"),
    ],
)
def test_pairs_decide_it_only_of_all_sizes(low, high, word):
    evidence = sizes(low, high)
    assert experiment_of(evidence.results) == "bottleneck_sizes"
    assert judge(C2, {"bottleneck_sizes": evidence}).word == word


def test_it_says_of_which_sizes_there_are_no_pairs():
    verdict = judge(C2, {"bottleneck_sizes": sizes(TOP, FORCED)})
    failed = [part.rule for part in verdict.parts if part.word != "holds"]
    rule = "share of features in superposition with an opposite at S = 0.99"
    assert failed == [f"n = 4: {rule}", f"n = 8: {rule}"]


def test_where_only_pairs_fit_nothing_is_decided():
    alone = sizes({6: TOP[6], 8: TOP[8]}, {6: PAIRS[6], 8: PAIRS[8]})
    verdict = judge(C2, {"bottleneck_sizes": alone})
    assert verdict.word == "not decided"
    assert "numbers of features below and above 6" in verdict.sentence
    sparse = sizes(TOP, PAIRS)
    dense = Evidence(Path(), sparse.results.isel(sparsity=[0]))
    assert judge(C2, {"bottleneck_sizes": dense}).word == "not decided"


@pytest.mark.parametrize(
    ("W", "share"),
    [
        (beside(PAIR, ALONE), 1),  # a feature alone takes nothing away
        (beside(PAIR, ring(3)), 0.4),
        (beside(PAIR, 0.1 * ALONE), 1),
        (beside(ring(4)), 1),  # two pairs
        (ring(5), 0),
        (TETRAHEDRON, 0),
        (ANTIPRISM, 0),
        (CUBE, 1),
        (np.eye(2, 4), 0),
        (np.ones((1, 2)), 0),  # an aligned pair
        (np.zeros((2, 4)), 0),
    ],
)
def test_what_is_paired(W, share):
    assert paired(W, Thresholds()) == pytest.approx(share)
