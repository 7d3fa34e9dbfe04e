"""Nothing outside of the output directory is touched, and no fault leaves half a file."""

import resource
from contextlib import contextmanager
from pathlib import Path

import pytest

import sup
from sup.config.rules import SettingError
from sup.sweep import failures
from sup.sweep.check import check

pytestmark = pytest.mark.usefixtures("no_figures")

SMALL = ("n_features=5", "n_hidden=2", "steps=20", "batch_size=64", "figures=none")
QUIET = (*SMALL, "logger=none")
PLACES = [
    *(".lock", ".hydra", "checkpoints", "csv", "figures", "slices", "tensorboard", "wandb"),
    *(
        "csv/metrics.csv",
        "checkpoints/stack-1.log",
        ".hydra/config.yaml",
        "error.txt",
        "results.nc",
    ),
]


@pytest.fixture
def outside(tmp_path_factory) -> Path:
    """Make a directory that no command was told of, with something in it."""
    directory = tmp_path_factory.mktemp("outside")
    (directory / "offline-run-1").mkdir(parents=True)
    (directory / "offline-run-1" / "precious").write_text("precious")
    return directory


def contents(directory: Path) -> dict[str, str]:
    return {str(path): path.read_text() for path in directory.rglob("*") if path.is_file()}


@pytest.mark.parametrize("place", PLACES)
def test_a_link_that_leads_out_is_refused(place, make_run, outside):
    run = make_run(*QUIET)
    link = run.directory / place
    link.parent.mkdir(exist_ok=True)
    link.symlink_to(outside if "." not in place[1:] else outside / "offline-run-1" / "precious")
    with pytest.raises(SettingError, match=r"leads out of .*, where all is to be written"):
        check([run])


@pytest.mark.parametrize(
    ("link", "arguments"),
    [
        ("run/.lock", ("hydra.run.dir=run",)),
        ("run/wandb", ("hydra.run.dir=run", "figures=end")),
        ("sweep/0", ("-m", "seed=0,1", "hydra.sweep.dir=sweep")),
        ("sweep/0/figures", ("-m", "seed=0,1", "hydra.sweep.dir=sweep")),
    ],
)
def test_a_command_says_so_and_changes_nothing(link, arguments, command, outside, tmp_path):
    (tmp_path / link).parent.mkdir(parents=True)
    (tmp_path / link).symlink_to(outside)
    before = contents(outside)
    outcome = command(*arguments, *QUIET)
    home = link.partition("/")[0]
    assert outcome.status == 1
    (line,) = outcome.error.splitlines()
    said = f"directory={link}: leads out of {home}, where all is to be written"
    if link == "sweep/0":  # as where its name would lead out
        said = "hydra.sweep.subdir=0: must be within hydra.sweep.dir, and not that itself"
    assert line == f"error: {said}"
    assert contents(outside) == before
    assert [path for path in (tmp_path / home).rglob("*") if path.is_file()] == []


def test_a_job_outside_of_its_sweep_is_refused(command, tmp_path):
    outcome = command("-m", "seed=0", *QUIET, "hydra.sweep.dir=sweep", "hydra.sweep.subdir=../../x")
    assert outcome.status == 1
    assert outcome.error.count("\n") <= 1
    assert "x" in outcome.error
    assert not (tmp_path / "sweep").exists()
    assert not (tmp_path.parent / "x").exists()


def test_the_output_directory_may_be_a_link_and_hold_a_users_own(command, outside, tmp_path):
    (tmp_path / "here").symlink_to(outside)
    (outside / "data").symlink_to(tmp_path)
    assert command(*QUIET, "hydra.run.dir=here").status == 0
    assert sup.load_run(outside)["loss"].notnull()


@contextmanager
def room_for(size: int):
    """Let no file grow beyond some bytes, as a full disk would not."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_no_room_for_results_is_said_in_one_line(command, tmp_path):
    arguments = (*QUIET, "hydra.run.dir=run", "~callbacks.progress")
    with room_for(26_000):  # Hydra writes 22,300, a checkpoint takes 6,500, results 28,400
        outcome = command(*arguments)
    assert outcome.status == 1
    (line,) = outcome.error.strip().splitlines()
    assert line.startswith("error: ")
    assert "File too large" in line
    assert not list((tmp_path / "run").rglob("*.unfinished"))
    assert not (tmp_path / "run" / "results.nc").exists()
    with room_for(1000):  # not for a checkpoint either, nor for the reason
        outcome = command(*QUIET, "hydra.run.dir=other", "~callbacks.progress")
    assert outcome.status == 1
    assert "Traceback" not in outcome.error
    assert "File too large" in outcome.error.splitlines()[-1]
    outcome = command(*arguments)  # goes on from the checkpoint that there was room for
    assert outcome.status == 0
    assert "going on from" in outcome.out


def test_no_room_for_what_a_slice_has_become(make_run, train_runs):
    run = make_run(*QUIET, "seed=[0,1]", "stack.max_instances=1", "~callbacks.checkpoint")
    with room_for(500), pytest.raises(sup.RunError, match="File too large"):
        train_runs(run)
    assert not list(run.directory.glob("slices/.*"))


def test_the_page_of_a_sweep_needs_room_too(command, tmp_path):
    sweep = ("-m", "seed=0,1", "hydra.sweep.dir=sweep", *QUIET)
    assert command(*sweep).status == 0
    table = (tmp_path / "sweep" / "sweep.csv").read_text()
    with room_for(10):
        outcome = command(*sweep)
    assert outcome.status == 1
    (line,) = [one for one in outcome.error.splitlines() if one.startswith("error: ")]
    assert "File too large" in line
    assert (tmp_path / "sweep" / "sweep.csv").read_text() == table
    assert not list((tmp_path / "sweep").glob(".*unfinished"))


def test_a_failure_that_cannot_be_written_down_is_said(tmp_path, caplog):
    (tmp_path / "file").touch()
    failures.record(tmp_path / "file" / "run", "no such luck")
    assert "error.txt: NotADirectoryError" in caplog.text


def test_where_nothing_can_be_written_is_said_in_one_line(command, monkeypatch):
    def refused(*_, **__):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "mkdir", refused)
    outcome = command(*QUIET, "hydra.run.dir=run")
    assert outcome.status == 1
    assert outcome.error.splitlines() == [
        "error: directory=run: cannot be written: Permission denied"
    ]
