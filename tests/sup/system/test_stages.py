"""What is being done is said once: in a log by a line, on a terminal by a display that goes."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from sup.system import stages

log = logging.getLogger("sup.test_stages")


@pytest.fixture
def shown() -> Iterator[list[str]]:
    said: list[str] = []

    @contextmanager
    def display(what: str, parts: int | None):
        said.append(f"{what} of {parts}")
        yield lambda: said.append("one more")
        said.append("gone")

    stages.show(display)
    yield said
    stages.show(None)


def test_a_log_has_a_line_for_each(caplog: pytest.LogCaptureFixture):
    caplog.set_level(logging.INFO, "sup")
    with stages.stage(log, "drawing", 2) as advance:
        advance()
    with stages.stage(log, "opening", level=logging.DEBUG):
        pass
    assert caplog.messages == ["drawing ..."]


def test_what_is_displayed_is_no_line_of_the_log(shown, caplog: pytest.LogCaptureFixture):
    caplog.set_level(logging.INFO, "sup")
    with stages.stage(log, "drawing", 2) as advance:
        advance()
    assert shown == ["drawing of 2", "one more", "gone"]
    assert caplog.messages == []


def test_within_a_stage_no_other_is_displayed_and_after_an_error_the_next_is(shown):
    with (
        pytest.raises(ZeroDivisionError),
        stages.stage(log, "outer"),
        stages.stage(log, "inner"),
    ):
        raise ZeroDivisionError
    with stages.stage(log, "next"):
        pass
    assert shown == ["outer of None", "next of None", "gone"]
