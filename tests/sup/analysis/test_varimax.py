"""The basis in which hidden dimensions are shown."""

import numpy as np
import pytest

from sup.analysis.varimax import leading_share, varimax


def rotation(m: int, seed: int) -> np.ndarray:
    return np.linalg.qr(np.random.default_rng(seed).normal(size=(m, m)))[0]


@pytest.mark.parametrize("seed", range(5))
def test_it_is_a_rotation_of_the_hidden_space(seed: int):
    W = np.random.default_rng(seed).normal(size=(5, 10))
    shown = varimax(W)
    assert np.allclose(shown.T @ shown, W.T @ W)


@pytest.mark.parametrize("seed", range(5))
def test_antipodal_pairs_are_found_in_any_basis(seed: int):
    pairs = np.concatenate([np.eye(4), -np.diag([0.95, 0.9, 0.8, 0.7])], axis=1)
    found = varimax(rotation(4, seed) @ pairs)
    assert ((np.abs(found) > 1e-4).sum(1) == 2).all()
    assert np.allclose(found, pairs, atol=1e-4)


def test_the_result_does_not_depend_on_the_basis_it_was_given():
    W = np.diag([1.0, 2.0, 3.0]) @ np.eye(3, 6)
    assert np.allclose(varimax(rotation(3, 1) @ W), varimax(rotation(3, 2) @ W), atol=1e-4)


def test_a_saddle_is_left():
    turned = np.array([[1, -1], [1, 1]]) / np.sqrt(2) @ np.eye(2, 4)
    assert np.allclose(varimax(turned), np.eye(2, 4), atol=1e-4)


def test_dead_and_infinite_weights_do_not_end_it():
    assert (varimax(np.zeros((2, 3))) == 0).all()
    assert np.isfinite(varimax(np.full((2, 3), np.inf))).all()


def test_the_leading_share_is_one_of_single_features_and_grows_in_varimaxs_basis():
    turned = np.array([[0.6, -0.8], [0.8, 0.6]])
    W = np.eye(2, 4)
    assert leading_share(W) == 1
    assert leading_share(turned @ W) == pytest.approx(0.64)
    assert leading_share(varimax(turned @ W)) == pytest.approx(1, abs=1e-6)
    assert leading_share(np.zeros((2, 4))) == 0
