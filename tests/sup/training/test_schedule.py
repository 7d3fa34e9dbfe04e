"""When a run pauses to be measured."""

import pytest

from sup.training.schedule import CHUNK, chunks, log_spaced, measured


def test_log_spaced():
    assert log_spaced(1) == [1]
    assert log_spaced(30) == [1, 2, 5, 10, 20, 30]


@pytest.mark.parametrize("steps", [1, 7, 100, 1234, 10_000, 250_000])
@pytest.mark.parametrize("share", [0, 0.37, 1])
def test_chunks_cover_the_steps_left_and_end_at_every_measurement(steps: int, share: float):
    done = int(share * steps)
    parts = list(chunks(steps, done))
    assert [step for part in parts for step in part] == list(range(done, steps))
    assert all(1 <= len(part) <= CHUNK for part in parts)
    assert {part.stop for part in parts} >= {step for step in measured(steps) if step > done}


def test_measurements_are_bounded():
    assert len(measured(1_000_000)) < 130
    assert measured(1_000_000)[-1] == 1_000_000
