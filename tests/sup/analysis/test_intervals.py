"""Intervals of means over seeds against published values, and how often they hold the truth."""

import numpy as np
import pytest

from sup.analysis.intervals import interval_of_mean, wilson


@pytest.mark.parametrize(
    ("successes", "count", "low", "high"),
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611)],
)
def test_wilsons_are_those_of_newcombe_1998(successes, count, low, high):
    assert wilson(successes, count) == pytest.approx((low, high), abs=5e-5)


def test_yes_and_no_are_counted_and_numbers_drawn_again():
    yes = np.array([True] * 7 + [False])
    assert interval_of_mean(yes) == wilson(7, 8)
    low, high = interval_of_mean(yes.astype(float))
    assert 0.5 <= low < 7 / 8 < high == 1


def test_one_seed_has_no_interval_and_equal_ones_none_to_speak_of():
    assert interval_of_mean(np.array([0.3])) == (-np.inf, np.inf)
    assert interval_of_mean(np.full(4, 0.3)) == pytest.approx((0.3, 0.3))


def test_the_truth_is_held_about_as_often_as_is_said():
    drawn = np.random.default_rng(1).normal(size=(300, 16))
    held = [low <= 0 <= high for low, high in map(interval_of_mean, drawn)]
    assert 0.87 < np.mean(held) < 0.98  # the bootstrap's are a little short with few seeds
