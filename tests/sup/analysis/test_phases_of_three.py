"""Phases of three features in two dimensions."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

import sup
from sup.analysis.groups import together
from sup.analysis.optimum import optimum
from sup.analysis.phases import NO_MODEL, is_dead, represented
from sup.analysis.phases_of_three import PhaseOfThree, phase_of_three
from sup.model.activations import Linear, ReLU, Tanh

NOT_REPRESENTED, WITH_ONE, WITH_BOTH, OTHERS_SHARE, OTHER_DROPPED = PhaseOfThree

UP, RIGHT, NOTHING = (0.0, 1.0), (1.0, 0.0), (0.0, 0.0)
DOWN, LEFT = (0.0, -1.0), (-1.0, 0.0)
HALF = 0.75**0.5
TRIANGLE = ((0.0, 1.0), (HALF, -0.5), (-HALF, -0.5))


def turned(degrees: float, length: float = 1.0) -> tuple[float, float]:
    angle = np.deg2rad(degrees)
    return (length * float(np.cos(angle)), length * float(np.sin(angle)))


CASES = [
    ((UP, RIGHT, NOTHING), NOT_REPRESENTED),
    ((UP, UP, NOTHING), NOT_REPRESENTED),
    ((UP, NOTHING, NOTHING), NOT_REPRESENTED),
    ((NOTHING, NOTHING, NOTHING), NOT_REPRESENTED),
    ((UP, RIGHT, turned(0, 0.3)), NOT_REPRESENTED),  # a trace of a pair
    ((UP, RIGHT, turned(0, 0.4)), WITH_ONE),
    ((UP, RIGHT, LEFT), WITH_ONE),
    ((UP, RIGHT, RIGHT), WITH_ONE),
    ((NOTHING, RIGHT, LEFT), WITH_ONE),
    ((UP, turned(0, 3), turned(180, 3)), WITH_ONE),  # another one's size changes nothing
    ((UP, RIGHT, turned(15)), WITH_ONE),
    ((UP, RIGHT, turned(20)), WITH_BOTH),  # 70 degrees from the first
    (TRIANGLE, WITH_BOTH),
    ((UP, UP, DOWN), WITH_BOTH),
    ((UP, RIGHT, turned(45)), WITH_BOTH),
    ((turned(0), turned(60), turned(120)), WITH_BOTH),
    ((turned(60), turned(120), turned(0)), WITH_BOTH),
    ((UP, DOWN, RIGHT), OTHERS_SHARE),
    ((UP, UP, LEFT), OTHERS_SHARE),
    ((turned(75), turned(-75), RIGHT), OTHERS_SHARE),
    ((turned(70), turned(-75), RIGHT), WITH_BOTH),
    ((UP, NOTHING, RIGHT), OTHER_DROPPED),
    ((UP, turned(90, 0.3), RIGHT), OTHER_DROPPED),
    ((NOTHING, NOTHING, RIGHT), OTHER_DROPPED),
    ((NOTHING, UP, turned(0, 10)), OTHER_DROPPED),
]


@pytest.mark.parametrize(("columns", "phase"), CASES)
def test_phases_of_weights_whatever_the_basis(columns, phase):
    W = np.array(columns).T
    swapped, mirrored = W[:, [1, 0, 2]], W * [[1.0], [-1.0]]
    angle = np.deg2rad(37)
    Q = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    every = np.stack([W, swapped, mirrored, Q @ W, -(Q.T @ swapped)])
    assert phase_of_three(every).tolist() == [phase] * 5


def test_no_model_has_no_phase_and_a_dead_one_is_told():
    W = np.zeros((3, 2, 3))
    W[0, 1, 0], W[1, 0, 2], W[2] = np.nan, np.inf, 0.05
    assert phase_of_three(W).tolist() == [NO_MODEL, NO_MODEL, NOT_REPRESENTED]
    assert is_dead(W[2:]).tolist() == [True]
    assert is_dead(np.array([[UP, NOTHING, NOTHING]]).mT).tolist() == [False]


@given(arrays(np.float64, (2, 3), elements=st.floats(-1e3, 1e3)))
def test_every_model_is_of_one_class(W):
    """And of the one whose definition it meets, each said by itself."""
    a, b, extra = represented(W)
    joined = together(W, represented(W))
    with_a, with_b = joined[2, :2]
    meets = {
        NOT_REPRESENTED: not extra,
        WITH_ONE: extra and with_a != with_b,
        WITH_BOTH: extra and with_a and with_b,
        OTHERS_SHARE: extra and not (with_a or with_b) and joined[0, 1],
        OTHER_DROPPED: extra and not (with_a or with_b) and not (a and b),
    }
    assert [phase for phase, met in meets.items() if met] == [phase_of_three(W)]


def best(activation, density, ratio) -> list[int]:
    """Return the classes of optima, for each density and each importance of the extra feature."""
    p, r = (torch.tensor(each, dtype=torch.float64) for each in (density, ratio))
    one = torch.ones_like(r)
    given = p[:, None].expand(-1, 3).contiguous(), torch.stack([one, one, r], -1)
    W = optimum(activation, 2, *given).W
    return sup.diagrams.TRIPLE.phase_of(W.numpy()).tolist()


def test_a_linear_optimum_drops_the_extra_feature_or_another():
    expected = [NOT_REPRESENTED, NOT_REPRESENTED, OTHER_DROPPED, OTHER_DROPPED]
    for density in (1.0, 0.3, 0.01):
        assert best(Linear(), [density] * 4, [0.1, 0.9, 1.1, 10]) == expected


def test_relus_optimum_drops_the_least_where_dense_and_pairs_it_where_sparse():
    # Equal and dense, they are nearly a projection along (1, 1, 1), which makes them a triangle.
    found = best(ReLU(), [0.95, 0.95, 0.95, 0.02, 0.02], [0.3, 1, 3, 0.3, 3])
    assert found == [NOT_REPRESENTED, WITH_BOTH, OTHERS_SHARE, WITH_ONE, OTHERS_SHARE]


def test_tanhs_optimum_drops_the_extra_feature_where_sparse_too():
    assert best(Tanh(), [0.02], [0.3]) == [NOT_REPRESENTED]
