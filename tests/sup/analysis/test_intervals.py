"""Intervals of means over seeds against published values, and how often they hold the truth."""

import numpy as np
import pytest

from sup.analysis.intervals import interval_of_mean, student, wilson


@pytest.mark.parametrize(
    ("successes", "count", "low", "high"),
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611)],
)
def test_wilsons_are_those_of_newcombe_1998(successes, count, low, high):
    assert wilson(successes, count) == pytest.approx((low, high), abs=5e-5)


@pytest.mark.parametrize(
    ("freedom", "quantile"), [(2, 4.3027), (7, 2.3646), (40, 2.0211), (1000, 1.9623)]
)
def test_students_are_those_of_the_tables(freedom, quantile):
    assert student(freedom) == pytest.approx(quantile, abs=5e-4)


def test_yes_and_no_are_counted_and_numbers_have_students():
    yes = np.array([True] * 7 + [False])
    assert interval_of_mean(yes) == wilson(7, 8)
    values = np.array([1.0, 2.0, 3.0, 6.0])  # mean 3, standard deviation sqrt(14/3)
    half = 3.18245 * (14 / 3) ** 0.5 / 2
    assert interval_of_mean(values) == pytest.approx((3 - half, 3 + half))


def test_two_seeds_have_no_interval_and_equal_ones_none_to_speak_of():
    for few in ([0.3], [0.3, 0.4]):
        assert interval_of_mean(np.array(few)) == (-np.inf, np.inf)
    assert interval_of_mean(np.full(4, 0.3)) == pytest.approx((0.3, 0.3))


@pytest.mark.parametrize("seeds", [3, 8, 16])
def test_the_truth_is_held_as_often_as_is_said(seeds):
    drawn = np.random.default_rng(1).normal(size=(2000, seeds))
    held = [low <= 0 <= high for low, high in map(interval_of_mean, drawn)]
    assert np.mean(held) == pytest.approx(0.95, abs=0.02)


@pytest.mark.parametrize("seeds", [8, 16])
@pytest.mark.parametrize("share", [0.5, 0.8, 0.9])
def test_so_are_shares_of_few_seeds(seeds, share):
    drawn = np.random.default_rng(1).random((2000, seeds)) < share
    held = [low <= share <= high for low, high in map(interval_of_mean, drawn)]
    assert 0.91 < np.mean(held) < 0.995
