"""Figures of runs: drawn where they are wanted, by several processes, once."""

from dataclasses import replace
from pathlib import Path

import pytest

from sup.sweep import draw
from sup.sweep.failures import RunError


@pytest.fixture(scope="module")
def results():
    import sup

    return sup.train(steps=2, n_features=3, n_hidden=1, batch_size=8)


@pytest.fixture
def described(make_run, results):
    """Describe runs with results on disk, and what they ask for as to figures."""
    from sup.results.storage import save

    def made(count: int, figures: str):
        runs = [make_run() for _ in range(count)]
        runs = [replace(run, settings=replace(run.settings, figures=figures)) for run in runs]
        for run in runs:
            assert run.directory
            save(results, run.directory)
        return runs, [results] * count

    return made


def drawn(runs) -> list[int]:
    return [len(list((run.directory / "figures").glob("*.png"))) for run in runs]


@pytest.mark.parametrize(("figures", "each"), [("none", 0), ("auto", 3), ("end", 3)])
def test_they_are_drawn_where_they_are_wanted(figures, each, described):
    runs, results = described(2, figures)
    draw.draw(runs, results)
    assert drawn(runs) == [each, each]


def test_of_many_runs_each_has_figures_where_that_is_asked_for_alone(described, monkeypatch):
    monkeypatch.setattr(draw, "MOST_BY_ITSELF", 1)
    for figures, each in (("auto", 0), ("end", 3)):
        runs, results = described(2, figures)
        draw.draw(runs, results)
        assert drawn(runs) == [each, each]


def test_several_processes_draw_the_same(described):
    runs, results = described(draw.FEW + 1, "auto")
    draw.draw(runs, results, processes=2)
    alone, result = described(1, "auto")
    draw.draw(alone, result)
    pictures = [(run.directory / "figures" / "gram.png").read_bytes() for run in (*runs, *alone)]
    assert len(set(pictures)) == 1


def test_what_is_there_is_not_drawn_again_and_failed_runs_have_none(described):
    (first, second), results = described(2, "auto")
    draw.draw([first, second], [results[0], RunError("second", "no such luck")])
    assert drawn([first, second]) == [3, 0]
    picture = Path(first.directory, "figures", "gram.png")
    before = picture.stat().st_mtime_ns
    draw.draw([first], results[:1])
    assert picture.stat().st_mtime_ns == before


def test_what_cannot_be_drawn_is_said_so(described, monkeypatch, caplog):
    def fails(results):
        raise ZeroDivisionError("no such number")

    monkeypatch.setattr("sup.figures.RUN_FIGURES", dict.fromkeys(draw.NAMES, fails))
    runs, results = described(1, "auto")
    draw.draw(runs, results)
    assert "ZeroDivisionError: no such number" in caplog.text
