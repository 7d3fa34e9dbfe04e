"""What a command imports is left alone by the garbage collector, which then works as before."""

import gc

import pytest

from sup.system import garbage
from sup.system.garbage import kept


@pytest.fixture
def thawed(monkeypatch: pytest.MonkeyPatch):
    """Let nothing be kept before, and nothing after."""
    was_enabled = gc.isenabled()
    monkeypatch.setattr(garbage, "done", [])
    gc.unfreeze()
    yield
    gc.unfreeze()
    (gc.enable if was_enabled else gc.disable)()


@pytest.mark.parametrize("is_enabled", [True, False])
def test_the_collector_rests_meanwhile_and_is_left_as_it_was(is_enabled, thawed):
    (gc.enable if is_enabled else gc.disable)()
    meanwhile = []

    @kept()
    def importing():
        meanwhile.append(gc.isenabled())
        raise ImportError

    with pytest.raises(ImportError):
        importing()
    assert meanwhile == [False]
    assert gc.isenabled() == is_enabled
    assert gc.get_freeze_count() > 0


def test_it_is_done_once_in_a_process(thawed):
    with kept():
        pass
    held = gc.get_freeze_count()
    made = [[] for _ in range(10_000)]
    with kept():
        made.append([])
    assert gc.get_freeze_count() <= held
