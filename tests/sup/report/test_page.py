"""The report: one page that holds everything and says where it comes from."""

import html as escapes
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

import sup
from sup.analysis.gaps import GapSummary
from sup.article.evidence import FULL, gather
from sup.report import __main__ as command
from sup.report.models import command_of
from sup.report.of_activations import of_activation
from sup.report.page import report
from sup.report.paper import theory, written
from sup.report.pictures import pictures
from sup.report.wanted import together


@pytest.fixture(scope="session")
def html(small_article) -> str:
    return small_article.page.read_text()


def outside_the_explorer(html: str) -> str:
    return re.sub(r'srcdoc="[^"]*"', "", html)


def test_it_asks_for_nothing_outside_itself(html: str):
    assert not re.search(r'(src|href)="(?!data:|#)', outside_the_explorer(html))
    assert "url(" not in outside_the_explorer(html)
    assert "@import" not in outside_the_explorer(html)


def test_every_picture_says_what_it_shows(html: str):
    pictures = re.findall(r"<img [^>]*>", outside_the_explorer(html))
    assert len(pictures) > 15
    assert all(re.search(r'alt="[^"]{20,}"', picture) for picture in pictures)


def test_pictures_are_drawn_for_a_dark_page_as_well(html: str):
    shown = re.findall(r"<picture>(.*?)</picture>", outside_the_explorer(html), re.S)
    pairs = [re.findall(r'(?:srcset|src)="([^"]*)"', one) for one in shown]
    still = [pair for pair in pairs if not pair[-1].startswith("data:image/gif")]
    assert len(still) > 15
    assert all(len(pair) == 2 and pair[0] != pair[1] for pair in still)


def test_the_explorer_holds_all_its_results(html: str):
    (explorer,) = re.findall(r'srcdoc="([^"]*)"', html)
    names = re.findall(r'"name":"([^"]*)","axes"', escapes.unescape(explorer))
    kinds = ("bottleneck", "bottleneck_sizes", "dimensions", "phase_diagram")
    assert set(kinds) < set(names)


def test_what_is_inserted_is_escaped(html: str):
    assert "<b>" not in outside_the_explorer(html)
    assert "&lt;b&gt;&amp;" in html


def test_our_curve_stands_beside_the_published_one_where_both_have_points(html: str, small_article):
    (table,) = re.findall(r'<section id="published">.*?</section>', html, re.S)
    rows = re.findall(r"<tr><th scope.*?</tr>", table, re.S)
    assert len(rows) == 2  # of these three sparsities the ends are among the article's
    first = re.findall(r">([^<]+)<", rows[0])
    results = sup.load_sweep(small_article.directory / "dimensions")
    ours = results["dimensions_per_feature"].sel(activation="relu")[0].item()
    published, difference = first[2].split()
    assert (*first[:2], published) == ("1.00", f"{ours:.4f}", "1.0036")
    assert float(difference) == pytest.approx(ours - 1.0036, abs=2e-4)
    assert "SoLU stands apart" in table


def test_training_stands_beside_the_optimum_and_shares_have_intervals(html: str):
    table = re.findall(r'<table class="named">.*?</table>', html, re.S)[0]
    rows = re.findall(r'<tr><th scope="row">(\w+)</th>(.*?)</tr>', table, re.S)
    assert [(name, cells.count("<td")) for name, cells in rows] == [("linear", 8), ("ReLU", 8)]
    summary = GapSummary(median=-1e-17, high=0.3, above=0.25, interval=(0.1, 0.42), seeds=9)
    assert written(summary) == [("0", ""), ("3.0e-01", ""), ("25.0%", "10.0% to 42.0%")]


def test_every_claim_has_a_verdict_and_none_is_decided_without_results(html: str):
    verdict = r'<tr id="(C\d+)">.*?<td class="word [^"]*" data-label="trained">([^<]+)<'
    rows = re.findall(verdict, html, re.S)
    assert [name for name, _ in rows] == [f"C{k}" for k in range(1, 11)]
    words = dict(rows)
    assert words["C1"] == "undecided"  # by two seeds
    assert words["C4"] == words["C7"] == words["C10"] == "not decided"
    assert "There are no results of the activation gelu." in html


def test_verdicts_on_less_than_the_articles_experiment_are_marked(html: str):
    (row,) = re.findall(r'<tr id="C1">.*?</tr>', html, re.S)
    assert "bottleneck: 4 of 10,000 steps, 3 of 10 sparsities, 2 of 8 seeds" in row
    (row,) = re.findall(r'<tr id="C4">.*?</tr>', html, re.S)
    assert "not the article" not in row  # there is no verdict to mark


@pytest.mark.parametrize("name", FULL)
def test_what_the_whole_experiments_are_is_what_they_train(name: str, settings: Callable):
    whole = settings(f"experiment={name}")
    found = {axis.replace(".", "_"): len(values) for axis, values in whole.grid.axes.items()}
    for key, count in FULL[name].items():
        assert count == (whole.steps if key == "steps" else found.get(key, 1)), key


def test_it_states_what_was_swept_and_how_to_train_it_again(html: str):
    (made,) = re.findall(r'<section id="phase_diagram-chapter">.*?</section>', html, re.S)
    for stated in (
        *("<dt>models</dt><dd>64</dd>", "<dt>activation</dt><dd>linear, ReLU</dd>"),
        *("cpu", "torch 2.", "features n 2", "steps 100", "seed 0, 1"),
        "python train.py -m experiment=phase_diagram steps=100 resolution=4 activation=linear,relu",
    ):
        assert stated in made, stated


def test_figures_lie_beside_it_as_png_and_svg(small_article):
    names = {file.name for file in (small_article.directory / "report_figures").iterdir()}
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


def test_of_ones_own_results_it_says_nothing_of_the_article(tmp_path: Path, capsys):
    small = {"n_features": 3, "n_hidden": 2, "steps": 2, "batch_size": 16, "figures": "none"}
    own = tmp_path / "own"
    sup.train(activation="gelu", sparsity=0.5, seed=[0, 1, 2], directory=own, **small)
    command.main([str(own)])
    page = (own / "report.html").read_text()
    said = capsys.readouterr().out.splitlines()
    assert said[-1] == f"report: {own / 'report.html'}"
    assert "drawing 4 pictures ..." in said
    text = outside_the_explorer(page)
    assert "<h1>Superposition of GELU along seed</h1>" in text
    for word in ("article", "Claims", "not decided", "ReLU", "Ours against published"):
        assert word not in text, word
    (row,) = re.findall(r"<tbody><tr>(.*?)</tr>", text, re.S)
    losses = sup.load_run(own)["loss"].values
    assert f'<td class="number">{losses.mean():.3g}<small>' in row
    assert f"rerun={own}" in text


def test_what_is_said_of_ones_own_models_along_sparsity_is_so_of_any_recipe(tmp_path: Path):
    small = {"n_features": 3, "n_hidden": 2, "steps": 2, "batch_size": 16, "figures": "none"}
    own = tmp_path / "own"
    sup.train(optimizer="sgd", sparsity=[0, 0.9], directory=own, **small)
    (evidence,) = gather([own])
    captions = " ".join(one.caption for one in of_activation(evidence, "relu"))
    assert "The same as trained. A dimension's greatest feature" in captions
    assert "article" not in captions
    assert "Adam" not in captions


def test_no_other_sweeps_numbers_stand_under_a_chapter(small_article):
    pair = gather([small_article.directory / "phase_diagram"])[0]
    assert len(theory(pair)) == 2
    other = replace(pair, results=pair.results.assign_coords(importance="uniform"))
    assert theory(other) == []


@pytest.mark.parametrize(
    ("record", "written", "said"),
    [
        (
            "multirun.yaml",
            "{task: ['seed=0,1'], hydra: [hydra/sweeper=optuna, hydra.mode=MULTIRUN]}",
            "python train.py -m hydra/sweeper=optuna seed=0,1",
        ),
        (".hydra/hydra.yaml", "{task: [steps=5], hydra: []}", "python train.py steps=5"),
        ("multirun.yaml", "{task: [2001-99-99]}", None),
        ("multirun.yaml", "{task: [seed=0, [a, b], {c: d}]}", "python train.py -m seed=0"),
        ("multirun.yaml", "[]", None),
    ],
)
def test_the_recorded_command_is_said_and_a_broken_record_is_none(
    record: str, written: str, said: str | None, tmp_path: Path
):
    file = tmp_path / record
    file.parent.mkdir(exist_ok=True)
    file.write_text(f"hydra: {{overrides: {written}}}")
    assert command_of(tmp_path) == said


def test_the_command_says_where_there_is_nothing(tmp_path: Path):
    with pytest.raises(SystemExit) as raised:
        command.main([str(tmp_path)])
    no_results = "no results.nc in it or in any directory below"
    assert raised.value.code == f"error: {tmp_path}: {no_results}"
    with pytest.raises(SystemExit) as raised:
        command.main([str(tmp_path / "no")])
    assert raised.value.code == f"error: {tmp_path / 'no'}: no such file or directory"


def test_names_are_escaped_wherever_they_stand(tmp_path):
    name = "../../</script><script>alert(1)</script>\"'><b onload=x>&"
    small = {"n_features": 4, "n_hidden": 2, "steps": 5, "batch_size": 16, "figures": "none"}
    activation = sup.Part("torch.nn.Softplus", name=name)
    home = tmp_path / "a" / "<i>b"
    sup.train(activation=activation, sparsity=[0, 0.9], directory=home, **small)
    page = report([home], tmp_path / "c" / "d" / "page.html").read_text()
    assert page.count("alert(1)") > 3
    page = outside_the_explorer(page)
    assert "<script>alert" not in page
    assert page.count("<script") == page.count("</script>") == 1
    assert not re.search(r"<(b|i)\b(?!>)|<b onload|<i>b", page)
    outside = [
        path for path in tmp_path.rglob("*.png") if path.parent.parts[-2:] != ("d", "page_figures")
    ]
    assert outside == []
    assert not list(tmp_path.parent.glob("*.png"))


def test_models_along_a_setting_have_a_figure_of_curves(tmp_path):
    small = {"n_features": 3, "n_hidden": 1, "steps": 2, "batch_size": 16, "figures": "none"}
    sup.train(init_gain=[0.1, 1, 10], directory=tmp_path / "gains", **small)
    (evidence,) = gather([tmp_path / "gains"])
    wanted = list(together(evidence, None))
    names = [picture.name for picture in wanted]
    assert names == ["along-init_gain-other", "gram-other", "training-other"]
    assert "along initial gain" in wanted[0].caption
    alone = pictures(wanted, tmp_path / "alone", processes=1)
    assert list(alone) == names
    assert (tmp_path / "alone" / "gram-other.svg").exists()


def test_pictures_are_the_same_by_one_process_and_by_several(small_article, tmp_path, monkeypatch):
    monkeypatch.setattr("sup.report.pictures.FEW", 0)
    (evidence,) = gather([small_article.directory / "bottleneck_sizes"])
    wanted = [*together(evidence, None), *together(evidence, None)]
    both = [pictures(wanted, tmp_path / str(count), count) for count in (1, 2)]
    assert both[0] == both[1]
