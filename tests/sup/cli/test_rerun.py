"""`rerun=PATH`: results are enough to train a run again."""

import json

import pytest

import sup

pytestmark = pytest.mark.usefixtures("no_figures")

SMALL = ("n_features=5", "n_hidden=2", "steps=20", "batch_size=64", "logger=none", "figures=none")
CHOSEN = (
    *("activation=gelu", "importance=relative", "importance.ratio=0.3", "optimizer=adamw"),
    *("sparsity=[0,0.9]", "seed=3", "~callbacks.images", "name=first"),
)
AGAIN = ("logger=none", "~callbacks.progress")


@pytest.fixture
def first(command, tmp_path):
    assert command(*SMALL, *CHOSEN, "hydra.run.dir=first").status == 0
    (tmp_path / "first").rename(tmp_path / "it's, here")
    return sup.load_run("it's, here")


def test_the_same_results_again_bit_for_bit(command, first, tmp_path):
    assert command("rerun=it's, here", *AGAIN, "hydra.run.dir=second").status == 0
    second = sup.load_run("second")
    assert second.equals(first)
    (tmp_path / "it's, here" / "results.nc").rename("alone.nc")
    assert command("rerun=alone.nc", *AGAIN, "hydra.run.dir=third").status == 0
    assert sup.load_run("third").equals(first)
    assert sup.train(sup.Settings.of_results(second)).equals(first)


def test_what_stands_beside_it_changes_it(command, first):
    changes = ("steps=10", "importance.ratio=2", "activation=tanh", "optimizer.lr=0.1")
    outcome = command("-m", "rerun=it's, here", "seed=0,1", *changes, *AGAIN, "hydra.sweep.dir=s")
    assert outcome.status == 0, outcome.error
    changed = sup.load_sweep("s")
    assert dict(changed["loss"].sizes) == {"seed": 2, "sparsity": 2}
    assert changed["activation"].item() == "tanh"
    assert changed["importance_ratio"].item() == 2
    assert changed["optimizer"].item() == "adamw"
    config = json.loads(sup.load_run("s/0").attrs["config"])
    assert config["scheduler"]["T_max"] == 10  # as long as the training, as before
    assert "images" not in config["callbacks"]
    refused = command("rerun=s", *AGAIN)
    assert refused.status == 1
    assert refused.error == "error: rerun=s: is no single run: give one of its jobs, such as s/0"


@pytest.fixture
def rewritten(first, tmp_path):
    """Change the config of results."""

    def write(**changes) -> str:
        config = {**json.loads(first.attrs["config"]), **changes}
        (tmp_path / "other").mkdir()
        changed = first.assign_attrs(config=json.dumps(config))
        changed.to_netcdf(tmp_path / "other" / "results.nc", engine="h5netcdf")
        return "rerun=other"

    return write


def test_figures_are_what_an_earlier_release_said_in_a_word(command, rewritten):
    again = rewritten(figures="end")
    assert command(again, *AGAIN, "figures.format=svg", "hydra.run.dir=again").status == 0
    settings = sup.Settings.of_results(sup.load_run("again"))
    assert settings.figures == sup.Settings(figures="end", figures_format="svg").figures
    assert command(again, *AGAIN, "figures=none", "hydra.run.dir=none").status == 0
    assert (
        sup.Settings.of_results(sup.load_run("none")).figures
        == sup.Settings(figures="none").figures
    )


def test_code_that_results_name_is_given_by_the_user_or_does_not_run(command, rewritten, tmp_path):
    again = rewritten(activation={"_target_": "evil.run"})
    (tmp_path / "evil.py").write_text("raise SystemExit('evil')")
    before = sorted(tmp_path.rglob("*"))
    outcome = command(again, *AGAIN)
    assert outcome.status == 1
    advice = "is code that results name, which runs only if you give activation yourself"
    assert outcome.error == f"error: activation._target_=evil.run: {advice}"
    assert sorted(tmp_path.rglob("*")) == before
    assert command(again, "activation=relu", *AGAIN, "hydra.run.dir=given").status == 0
    assert sup.load_run("given")["activation"].item() == "relu"


def test_nothing_in_results_is_resolved(command, rewritten, monkeypatch, tmp_path):
    monkeypatch.setenv("MARKED", "secret")
    outcome = command(rewritten(name="${oc.env:MARKED}"), *AGAIN)
    assert outcome.status == 1
    assert "secret" not in outcome.error + outcome.out
    assert outcome.error.startswith("error: rerun=${oc.env:MARKED}: stands in these results")
    assert not (tmp_path / "outputs").exists()
