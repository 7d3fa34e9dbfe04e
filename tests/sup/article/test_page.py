"""The report: one page that holds everything and says where it comes from."""

import re
import sys

import pytest

import sup
from sup import report
from sup.analysis.gaps import GapSummary
from sup.article.evidence import gather
from sup.article.joint import joint
from sup.article.page import write_report, written
from sup.article.pictures import Gallery


@pytest.fixture(scope="session")
def html(small_article) -> str:
    return small_article.page.read_text()


def test_it_asks_for_nothing_outside_itself(html: str):
    assert not re.search(r'(src|href)="(?!data:|#)', html)
    assert "url(" not in html
    assert "@import" not in html


def test_every_picture_says_what_it_shows(html: str):
    pictures = re.findall(r"<img [^>]*>", html)
    assert len(pictures) > 15
    assert all(re.search(r'alt="[^"]{20,}"', picture) for picture in pictures)


def test_a_slider_for_each_activation_with_a_frame_for_each_sparsity(html: str):
    for name in ("linear", "relu"):
        (section,) = re.findall(rf'<section id="activation-{name}">.*?</section>', html, re.S)
        labels = re.findall(r'<figure data-label="([^"]*)"( hidden)?>', section)
        assert labels == [("S = 0", ""), ("S = 0.9", " hidden"), ("S = 0.99", " hidden")]


def test_what_is_inserted_is_escaped(html: str):
    assert "<b>" not in html
    assert "&lt;b&gt;&amp;" in html


def test_our_curve_stands_beside_the_published_one(html: str, small_article):
    (table,) = re.findall(r'<section id="published">.*?</section>', html, re.S)
    rows = re.findall(r"<tr><td.*?</tr>", table, re.S)
    assert len(rows) == 20
    first = re.findall(r">([^<]+)</td>", rows[0])
    results = sup.load_sweep(small_article.directory / "dimensions")
    ours = results["dimensions_per_feature"].sel(activation="relu")[0].item()
    assert first[:3] == ["1.00", f"{ours:.4f}", "1.0036"]
    assert "SoLU stands apart" in table
    assert rows[1].count("~") == 2  # no such sparsity in these results


def test_training_stands_beside_the_optimum_and_shares_have_intervals(html: str):
    (table,) = re.findall(r'<table class="named">.*?</table>', html, re.S)
    rows = re.findall(r'<tr><th scope="row">(\w+)</th>(.*?)</tr>', table, re.S)
    assert [(name, cells.count("<td")) for name, cells in rows] == [("linear", 8), ("ReLU", 8)]
    summary = GapSummary(median=-1e-17, high=0.3, above=0.25, interval=(0.1, 0.42), seeds=9)
    assert written(summary) == [("0", ""), ("3.0e-01", ""), ("25.0%", "10.0% to 42.0%")]


def test_every_claim_has_a_verdict_and_none_is_decided_without_results(html: str):
    rows = re.findall(r'<tr id="(C\d+)">.*?<td class="word [^"]*">([^<]+)</td>', html, re.S)
    assert [name for name, _ in rows] == [f"C{k}" for k in range(1, 11)]
    words = dict(rows)
    assert words["C1"] == "undecided"  # by two seeds
    assert words["C4"] == words["C7"] == words["C10"] == "not decided"
    assert "There are no results of the activation gelu." in html


def test_it_states_what_it_was_made_from(html: str):
    (made,) = re.findall(r'<section id="made-from">.*?</section>', html, re.S)
    for stated in ("seed 0, 1", "cpu", "torch 2.", "n_features 200"):
        assert stated in made
    assert "64 (2 activation x 4 importance_ratio x 4 sparsity x 2 seed)" in made


def test_figures_lie_beside_it_as_png_and_svg(small_article):
    names = {file.name for file in (small_article.directory / "figures").iterdir()}
    for figure in (
        "inputs",
        "activations",
        "phases",
        "phase-shares",
        "bottleneck_sizes",
        "dimensions",
        "dimensionality",
    ):
        assert {f"{figure}.png", f"{figure}.svg"} <= names
    assert "bottleneck-relu-training-animation.gif" in names


def test_sweeps_and_runs_are_told_apart(small_article):
    found = {one.path.name: one.role for one in gather([small_article.directory])}
    kinds = (
        "bottleneck",
        "bottleneck_sizes",
        "phase_diagram",
        "dimensions",
        "dimensions_converged",
    )
    assert found == {name: name for name in kinds}
    (alone,) = gather([small_article.directory / "bottleneck" / "1"])
    assert alone.activations == ["relu"]


def test_the_command_on_any_results(small_article, tmp_path, monkeypatch):
    output = tmp_path / "own" / "page.html"
    command = ["report", "--output", str(output)]
    first = small_article.directory / "bottleneck" / "0"
    monkeypatch.setattr(sys, "argv", [*command, str(first)])
    report.main()
    assert "activation-linear" in output.read_text()
    nothing = tmp_path / "no"
    monkeypatch.setattr(sys, "argv", [*command, str(nothing)])
    with pytest.raises(SystemExit) as raised:
        report.main()
    no_results = "no results.nc in it or in any directory below"
    assert raised.value.code == f"error: {nothing}: {no_results}"


def test_names_are_escaped_wherever_they_stand(tmp_path):
    name = "../../</script><script>alert(1)</script>\"'><b onload=x>&"
    small = {"n_features": 4, "n_hidden": 2, "steps": 5, "batch_size": 16, "figures": "none"}
    activation = sup.Part("torch.nn.Softplus", name=name)
    home = tmp_path / "a" / "<i>b"
    sup.train(activation=activation, sparsity=[0, 0.9], directory=home, **small)
    page = write_report([home], tmp_path / "c" / "d" / "page.html").read_text()
    assert page.count("alert(1)") > 3
    assert "<script>alert" not in page
    assert page.count("<script") == page.count("</script>") == 1
    assert not re.search(r"<(b|i)\b(?!>)|<b onload|<i>b", page)
    outside = [
        path for path in tmp_path.rglob("*.png") if path.parent.parts[-2:] != ("d", "figures")
    ]
    assert outside == []
    assert not list(tmp_path.parent.glob("*.png"))


def test_models_along_a_setting_have_a_figure_of_curves(tmp_path):
    small = {"n_features": 3, "n_hidden": 1, "steps": 2, "batch_size": 16, "figures": "none"}
    sup.train(init_gain=[0.1, 1, 10], directory=tmp_path / "gains", **small)
    (evidence,) = gather([tmp_path / "gains"])
    drawn = [picture.name for picture in joint(Gallery(tmp_path / "figures"), evidence, None)]
    assert drawn == ["along-init_gain-other", "gram-other"]
