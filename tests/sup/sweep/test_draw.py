"""Figures of runs: drawn where they are wanted, by several processes, once."""

from dataclasses import replace
from pathlib import Path

import pytest

from sup.sweep import draw
from sup.sweep.failures import RunError
from sup.sweep.page import write_page


@pytest.fixture(scope="module")
def results():
    import sup

    return sup.train(steps=2, n_features=3, n_hidden=1, batch_size=8)


@pytest.fixture
def described(make_run, results):
    """Describe runs with results on disk, and what they ask for as to figures."""
    from sup.results.storage import save

    def made(count: int, figures: str, **given):
        runs = [make_run() for _ in range(count)]
        settings = [run.settings.changed(figures=figures, **given) for run in runs]
        runs = [replace(run, settings=own) for run, own in zip(runs, settings, strict=True)]
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


def test_they_are_written_as_what_is_asked_for_and_what_is_missing_later_is_added(described):
    (run,), results = described(1, "end", figures_format=["svg", "pdf"])
    draw.draw([run], results)
    folder = run.directory / "figures"
    names = {"gram", "features", "training"}
    assert {path.name for path in folder.iterdir()} == {
        f"{name}.{kind}" for name in names for kind in ("svg", "pdf")
    }
    before = (folder / "gram.svg").stat().st_mtime_ns
    again = replace(run, settings=run.settings.changed(figures_format=["png", "svg"]))
    draw.draw([again], results)
    assert {path.stem for path in folder.glob("*.png")} == names
    assert (folder / "gram.svg").stat().st_mtime_ns == before


def test_those_of_a_sweep_are_written_alike(described, tmp_path):
    write_page(tmp_path, *described(1, "none", figures_format="pdf"))
    assert not (tmp_path / "figures").exists()
    write_page(tmp_path, *described(1, "end", figures_format="pdf"))
    assert {path.name for path in (tmp_path / "figures").iterdir()} == {"gallery.pdf"}


def test_of_many_runs_each_has_figures_where_that_is_asked_for_alone(described, monkeypatch):
    monkeypatch.setattr("sup.config.drawing.MOST_BY_ITSELF", 1)
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
