"""What a command says at its end: the table in the order that is asked for, and what to open."""

import os
import pty
import re
import subprocess
import sys
from pathlib import Path

import pytest
import xarray as xr

from sup.cli import summary
from sup.config.run import Run
from sup.config.settings import Settings
from sup.sweep.failures import RunError

ROOT = Path(__file__).parents[3]
QUIET = ("steps=5", "logger=none", "n_features=3", "n_hidden=2")


def outcomes(**settings):
    """Return runs in the order of their jobs, with losses of their grids, and one that failed."""
    losses = {"first": [0.3, 0.5], "second": [0.1], "third": [float("nan")], "fourth": [0.2]}
    made: dict[str, xr.Dataset | RunError] = {
        name: xr.Dataset({"loss": ("seed", held), "features_strong": ("seed", held)})
        for name, held in losses.items()
    }
    made["failed"] = RunError("failed", "no such luck")
    runs = [Run(Settings(**settings), None, name) for name in ("failed", *losses)]
    return runs, [made[run.name] for run in runs]


@pytest.mark.parametrize(
    ("by", "order"),
    [
        (None, "failed first second third fourth"),
        ("loss", "second fourth first failed third"),
        ("-loss", "first fourth second failed third"),
    ],
)
def test_rows_go_by_what_is_asked_for_and_what_has_none_is_last(by, order):
    table = summary.table(*outcomes(sort=by))
    assert list(table.columns[0].cells) == order.split()


def test_what_rows_go_by_has_a_column():
    assert [one.header for one in summary.table(*outcomes(sort="-features_strong")).columns] == [
        *("run", "loss", "dims per feature", "sum D_i", "represented", "features strong")
    ]


@pytest.mark.parametrize(
    ("there", "first"),
    [
        (("figures/training.png", "figures/gram.png"), "figures/gram.png"),
        (("figures/gallery.pdf", "figures/gallery.png"), "figures/gallery.png"),
        (("figures/gallery.pdf", "figures/along_seed.pdf"), "figures/gallery.pdf"),
        (("figures/gram-relu.png", "figures/loss_gaps.png"), "figures/loss_gaps.png"),
        (("sweep.csv",), "sweep.csv"),
        (("results.nc",), "results.nc"),
    ],
)
def test_what_to_open_first(there, first, tmp_path: Path):
    (tmp_path / "figures").mkdir()
    for name in there:
        (tmp_path / name).touch()
    assert summary.first_to_open(tmp_path) == tmp_path / first


def test_the_last_line_says_what_to_open(command, tmp_path: Path):
    ran = command("sparsity=0.5", *QUIET, "hydra.run.dir=here").out.splitlines()
    assert ran[-1] == "open: here/figures/gram.png"
    assert "  sup.load_run('here')" in ran
    swept = command("-m", "seed=0,1", *QUIET, "hydra.sweep.dir=there", "sort=-loss").out
    said = swept.splitlines()
    assert said[-2:] == [
        "table of the jobs: there/sweep.csv",
        "open: there/figures/gallery.png",
    ]
    assert (tmp_path / "there" / "figures" / "gallery.png").is_file()
    assert "  sup.load_sweep('there')" in said
    assert "drawing the figures of 2 runs ..." in said
    assert len(said) < 20, "a line for each stage, and no more"


def test_on_a_terminal_stages_are_shown_while_they_last(tmp_path: Path):
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, str(ROOT / "train.py"), *QUIET, "figures=none"],
        cwd=tmp_path,
        env={**os.environ, "COLUMNS": "100", "TERM": "xterm"},
        stdout=theirs,
        stderr=theirs,
    )
    os.close(theirs)
    said = b""
    try:
        while part := os.read(ours, 65536):
            said += part
    except OSError:  # the other end is closed: it has ended
        pass
    os.close(ours)
    assert process.wait() == 0, said
    text = said.decode()
    assert "loading torch and Lightning" in text
    # What stands at the end: rich takes a stage's line away, and leaves the bar of the training.
    left = re.split(r"\x1b\[2K", text)[-1]
    assert "loading torch" not in left
    assert text.rstrip().splitlines()[-1].startswith("open: outputs/")
