"""Figures as files: what their ending says, with all letters within, and the same bytes again."""

import re

import pytest
from matplotlib.figure import Figure

import sup


@pytest.fixture(scope="module")
def figure() -> Figure:
    return sup.figures.gram_figure(sup.train(steps=2, n_features=3, n_hidden=1, batch_size=8))


def test_pdf_has_its_fonts_within_as_truetype(figure, tmp_path):
    content = sup.figures.write(figure, tmp_path / "new" / "gram.pdf").read_bytes()
    assert content.startswith(b"%PDF")
    assert b"/Type3" not in content
    named = set(re.findall(rb"/BaseFont /\S+", content))
    assert named
    assert content.count(b"/FontFile2") >= len(named)


def test_svg_needs_no_font(figure, tmp_path):
    text = sup.figures.write(figure, tmp_path / "gram.svg").read_text()
    assert "<svg" in text
    assert not re.search("<text|font-family", text)


def test_png_has_as_many_dots_as_asked_for(figure, tmp_path):
    content = sup.figures.write(figure, str(tmp_path / "gram.png"), dpi=50).read_bytes()
    assert content.startswith(b"\x89PNG")
    assert int.from_bytes(content[16:20], "big") == int(50 * figure.get_figwidth())


@pytest.mark.parametrize("kind", ["png", "svg", "pdf"])
def test_the_same_figure_is_the_same_bytes(kind, figure, tmp_path):
    one, other = (tmp_path / place / f"gram.{kind}" for place in "ab")
    assert sup.figures.write(figure, one).read_bytes() == (
        sup.figures.write(figure, other).read_bytes()
    )


@pytest.mark.parametrize("name", ["gram.jpg", "gram"])
def test_another_ending_is_refused_and_nothing_is_written(name, figure, tmp_path):
    with pytest.raises(ValueError, match=rf"{name}: must end in one of .png, .svg, .pdf"):
        sup.figures.write(figure, tmp_path / name)
    assert not list(tmp_path.iterdir())
