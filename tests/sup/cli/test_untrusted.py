"""What is found in a directory is data; what a command knows of its user stays where it was."""

import csv
from pathlib import Path

import pytest
import yaml

pytestmark = pytest.mark.usefixtures("no_figures")

SMALL = ("n_features=5", "n_hidden=2", "steps=20", "batch_size=64", "figures=none")
QUIET = (*SMALL, "logger=none", "~callbacks.progress")
MARK = "marked-0123456789abcdef0123456789abcdef01234567"

EVIL = """
evil: !!python/object/apply:pathlib.Path.touch [!!python/object/apply:pathlib.Path [TRACE]]
"""
NODE = """
logger:
  _target_: sup.training.wandb_logger.wandb_logger
  project: {_target_: pathlib.Path.touch, self: TRACE}
"""


def planted(directory: Path, text: str, job: int = 9) -> Path:
    """Put what a command might read into a job's place, and into the sweep's."""
    trace = directory / "trace"
    for name in ("config.yaml", "hydra.yaml", "overrides.yaml", "../../multirun.yaml"):
        file = directory / "sweep" / str(job) / ".hydra" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text.replace("TRACE", str(trace)))
    return trace


def rows(table: Path) -> list[list[str]]:
    with table.open(newline="") as file:
        return list(csv.reader(file))


def test_records_of_others_are_passed_over(command, tmp_path):
    texts = ["- a: &a [*a]\n", "[" * 5000, "\0", "- ['a', {b: 1}]", "3", NODE, EVIL]
    (trace, *_) = [planted(tmp_path, text, job) for job, text in enumerate(texts, 1)]
    outcome = command("-m", "seed=0", "hydra.sweep.dir=sweep", *QUIET)
    assert outcome.status == 0, outcome.error
    _, own, *others = rows(tmp_path / "sweep" / "sweep.csv")
    assert own[0] == "0"
    assert [row[0] for row in others] == [str(job) for job in range(1, len(texts) + 1)]
    assert all("unfinished" in row for row in others)
    assert not trace.exists()


def test_what_they_name_is_not_resolved(command, tmp_path, monkeypatch):
    monkeypatch.setenv("MARKED", MARK)
    planted(tmp_path, "- name=${oc.env:MARKED}\n")
    folder = tmp_path / "outputs" / "2026-01-01" / "00-00-00-000000"
    (folder / ".hydra").mkdir(parents=True)
    record = "hydra: {overrides: {task: ['seed=${oc.env:MARKED}', ['a'], {_target_: os.abort}]}}"
    (folder / ".hydra" / "hydra.yaml").write_text(record)
    assert command("-m", "seed=0", "hydra.sweep.dir=sweep", *QUIET).status == 0
    refused = command(f"seed={MARK}", "resume=true", *QUIET)
    assert refused.status == 1
    table = (tmp_path / "sweep" / "sweep.csv").read_text()
    assert "${oc.env:MARKED}" in table
    assert MARK not in table


def test_no_cell_of_the_table_begins_a_formula(command, tmp_path):
    cells = ["=cmd|'/C calc'!A0", "+1+1", "-2+3", "@SUM(1)", "-0.5", "\tx"]
    given = [f"k{number}={cell}" for number, cell in enumerate(cells)]
    planted(tmp_path, yaml.safe_dump([*given, "=head=1"]))
    (tmp_path / "sweep" / "9" / "error.txt").write_text("=1+1")
    assert command("-m", "seed=0", "hydra.sweep.dir=sweep", *QUIET).status == 0
    head, _, row = rows(tmp_path / "sweep" / "sweep.csv")
    named = dict(zip(head, row, strict=True))
    shown = ["'=cmd|'/C calc'!A0", "'+1+1", "'-2+3", "'@SUM(1)", "-0.5", "'\tx"]
    assert [named[f"k{number}"] for number in range(6)] == shown
    assert named["reason"] == "'=1+1"
    assert not any(cell.startswith("=") for cell in (*head, *row))


def test_no_secret_is_written(command, tmp_path, monkeypatch):
    monkeypatch.setenv("WANDB_MODE", "offline")
    for name in ("WANDB_API_KEY", "AWS_SECRET_ACCESS_KEY", "MARKED"):
        monkeypatch.setenv(name, MARK)
    (tmp_path / "netrc").write_text(f"machine api.wandb.ai login user password {MARK}")
    (tmp_path / "netrc").chmod(0o600)
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    outcome = command("-m", "seed=0", "logger=wandb", "hydra.sweep.dir=sweep", *SMALL)
    assert outcome.status == 0, outcome.error
    files = [path for path in (tmp_path / "sweep").rglob("*") if path.is_file()]
    assert len([path for path in files if path.suffix == ".wandb"]) == 2
    assert [str(path) for path in files if MARK.encode() in path.read_bytes()] == []
    assert MARK not in outcome.out + outcome.error
