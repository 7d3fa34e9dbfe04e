"""Results reach W&B as they are on disk: an artifact, and a row for each instance."""

import base64
import hashlib
import json
from pathlib import Path

import pytest
from offline import files_of, told

from sup.sweep import keep

TINY = ("n_features=5", "n_hidden=2", "steps=10", "batch_size=64")


def results_in(directory: Path) -> dict[str, dict]:
    """Return the files of the one artifact of results that a W&B run has."""
    (found,) = (one for one in told(directory, "artifact") if one["type"] == "results")
    assert found["name"] == f"results-{found['run_id']}"
    return files_of(found)


def is_of(entry: dict, path: Path) -> bool:
    """Tell whether an artifact's file is the one on disk: by its bytes, and that it is no copy."""
    digest = base64.b64encode(hashlib.md5(path.read_bytes()).digest()).decode()
    return (entry["digest"], entry["local_path"]) == (digest, str(path))


def tables_in(directory: Path) -> dict[str, list[dict]]:
    """Return the rows of each table of a W&B run."""
    found = {}
    for path in directory.glob("wandb/offline-run-*/files/media/table/*.table.json"):
        held = json.loads(path.read_text())
        rows = [dict(zip(held["columns"], row, strict=True)) for row in held["data"]]
        found[path.name.split("_")[0]] = rows
    return found


def test_a_grid_is_an_artifact_and_a_table(make_run, train_runs):
    run = make_run("logger=wandb", "sparsity=[0,0.9]", "seed=[0,1]", *TINY)
    (results,) = train_runs(run)
    ((name, entry),) = results_in(run.directory).items()
    assert name == "results.nc"
    assert is_of(entry, run.directory / name)
    copies = [files_of(one) for one in told(run.directory, "artifact") if one["type"] != "results"]
    for held in [entry for files in copies for entry in files.values()]:
        assert Path(held["local_path"]).is_relative_to(run.directory)  # and not in the home
    (rows,) = tables_in(run.directory).values()
    assert [(row["sparsity"], row["seed"]) for row in rows] == [(0, 0), (0, 1), (0.9, 0), (0.9, 1)]
    assert [row["loss"] for row in rows] == pytest.approx(results["loss"].values.ravel())
    assert {"dimensions_per_feature", "features_represented"} <= rows[0].keys()


SWEEP = ("-m", "activation=relu,gelu", "logger=wandb", "hydra.sweep.dir=sweep")


@pytest.mark.usefixtures("no_figures")
def test_a_sweep_is_one_artifact_and_so_is_each_job(command, tmp_path):
    assert command(*SWEEP, *TINY).status == 0
    sweep = tmp_path / "sweep"
    whole = results_in(sweep)
    assert whole.keys() == {"0/results.nc", "1/results.nc"}
    assert all(is_of(entry, sweep / name) for name, entry in whole.items())
    assert tables_in(sweep).keys() == {"jobs", "instances"}
    assert is_of(results_in(sweep / "0")["results.nc"], sweep / "0" / "results.nc")
    assert not tables_in(sweep / "0")  # of a single model


def test_runs_of_a_large_stack_leave_theirs_to_the_sweep(make_run, train_runs, monkeypatch):
    monkeypatch.setattr(keep, "MOST_WITH_THEIR_OWN", 1)
    first, second = (
        make_run("logger=wandb", f"activation={name}", *TINY) for name in ("relu", "gelu")
    )
    train_runs(first, second)
    assert not told(first.directory, "artifact")
    assert (second.directory / "results.nc").exists()


def test_a_run_in_parts_has_its_curves_and_its_results(make_run, train_runs, monkeypatch):
    monkeypatch.setattr("sup.sweep.plan.allowed_memory", lambda *_: 1.0)
    run = make_run("logger=wandb", "seed=[0,1,2]", *TINY)
    train_runs(run)
    ((name, entry),) = results_in(run.directory).items()
    assert is_of(entry, run.directory / name)
    assert any("training_loss" in row["item"] for row in told(run.directory, "history"))
