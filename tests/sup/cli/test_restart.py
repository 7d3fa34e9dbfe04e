"""The same command in the same directory goes on where it was interrupted."""

import csv
import errno
import shutil
import sys
from contextlib import contextmanager
from pathlib import Path
from subprocess import PIPE, Popen

import numpy as np
import pytest
from omegaconf import OmegaConf

import sup
from sup.callbacks import StackProgress
from sup.cli.hooks import check_command
from sup.config.rules import SettingError

pytestmark = pytest.mark.usefixtures("no_figures")

ROOT = Path(__file__).parents[3]
SWEEP = ("-m", "activation=relu,gelu", "sparsity=0,0.9", "steps=40", "logger=none")
PLACE = "hydra.sweep.dir=sweep"


def weights(path) -> np.ndarray:
    return sup.load_sweep(path)["W"].values


def written(path) -> dict[str, int]:
    return {str(file): file.stat().st_mtime_ns for file in path.rglob("results.nc")}


@pytest.fixture
def stopping_at(monkeypatch):
    """Have training end at a step, as it does where the disk is full."""
    update = StackProgress.after_chunk

    @contextmanager
    def stopping(step: int):
        def stop(self, trainer, module):
            if module.step == step:
                raise OSError(errno.ENOSPC, "disk full")
            update(self, trainer, module)

        with monkeypatch.context() as patch:
            patch.setattr(StackProgress, "after_chunk", stop)
            yield

    return stopping


def test_finished_jobs_are_left_alone_and_missing_ones_trained(command, tmp_path):
    assert command(*SWEEP, PLACE).status == 0
    before, whole = written(tmp_path / "sweep"), weights(tmp_path / "sweep")
    (tmp_path / "sweep" / "2" / "results.nc").unlink()
    outcome = command(*SWEEP, PLACE)
    assert outcome.status == 0
    assert "3 of 4 runs finished before" in outcome.out
    after = written(tmp_path / "sweep")
    assert [file for file in before if before[file] != after[file]] == [
        str(tmp_path / "sweep" / "2" / "results.nc")
    ]
    assert np.array_equal(weights(tmp_path / "sweep"), whole)


SUBDIR = "hydra.sweep.subdir=a/b/${hydra.job.num}"


@pytest.mark.parametrize("subdir", [(), pytest.param((SUBDIR,), marks=pytest.mark.slow)])
def test_an_interrupted_stack_goes_on_from_its_checkpoint(subdir, command, tmp_path, stopping_at):
    settings = (*SWEEP[:3], "steps=300", "logger=none", *subdir)
    assert command(*settings, "hydra.sweep.dir=undisturbed").status == 0
    with stopping_at(200):
        assert command(*settings, PLACE, "callbacks.checkpoint.minutes=0").status == 1
    assert not list((tmp_path / "sweep").rglob("results.nc"))
    outcome = command(*settings, PLACE)
    assert outcome.status == 0
    home = "sweep/a/b" if subdir else "sweep"
    (checkpoint,) = (tmp_path / home / "checkpoints").glob("stack-*.ckpt")
    assert f"going on from {checkpoint.relative_to(tmp_path)}" in outcome.out
    assert np.array_equal(weights(tmp_path / "sweep"), weights(tmp_path / "undisturbed"))


REFUSED = {
    "steps=50": "it was trained with steps=40, not steps=50",
    "sparsity=0.5,0.9": "it was trained with sparsity=0, not sparsity=0.5",
    "sparsity=[0,0.9]": "it has 1 instances, not 2",
}


def test_other_settings_for_a_finished_job_are_refused(command, tmp_path):
    assert command(*SWEEP, PLACE).status == 0
    before = written(tmp_path)
    for changed, message in REFUSED.items():
        kept = [setting for setting in SWEEP if setting.split("=")[0] != changed.split("=")[0]]
        outcome = command(*kept, changed, PLACE)
        assert outcome.status == 1
        assert len(outcome.error.strip().splitlines()) == 1
        assert f"error: directory=sweep/0: holds results: {message}; use " in outcome.error
        assert written(tmp_path) == before


def test_other_ways_to_write_the_same_settings_are_not_other_settings(command, tmp_path):
    settings = ("scheduler=constant", "steps=40", "logger=none", "hydra.run.dir=run")
    assert command(*settings).status == 0
    for same in ("scheduler.factor=1", "++trainer.gradient_clip_val=null"):
        assert "1 of 1 runs finished before" in command(*settings, same).out


def test_strangers_in_the_place_of_checkpoints_are_passed_over(command, tmp_path):
    for folder in (tmp_path / "checkpoints", tmp_path / "run" / "checkpoints"):
        folder.mkdir(parents=True)
        (folder / "model.ckpt").write_text("not ours")
    outcome = command("steps=40", "logger=none", "hydra.run.dir=run")
    assert outcome.status == 0
    assert outcome.error.splitlines() == [
        f"warning: {tmp_path}/run/checkpoints/model.ckpt: is no checkpoint of this project"
    ]


def test_results_that_cannot_be_read_are_named(command, tmp_path):
    settings = ("steps=40", "logger=none", "hydra.run.dir=run")
    assert command(*settings).status == 0
    file = tmp_path / "run" / "results.nc"
    file.write_bytes(file.read_bytes()[:3000])
    (line,) = command(*settings).error.splitlines()
    assert line.startswith("error: directory=run: results.nc cannot be read: ")


def test_what_was_resumed_elsewhere_goes_on_from_the_furthest(command, stopping_at):
    settings = (*SWEEP[:3], "steps=300", "logger=none", "callbacks.checkpoint.minutes=0")
    with stopping_at(100):
        assert command(*settings, "hydra.sweep.dir=old").status == 1
    with stopping_at(200):
        assert command(*settings, "resume=old", PLACE).status == 1
    assert "going on from sweep/checkpoints/" in command(*settings, "resume=old", PLACE).out


HOLD = """
import sys
from sup.sweep import lock
lock.take(sys.argv[1])
print("held", flush=True)
input()
"""


@pytest.mark.parametrize("place", ["hydra.run.dir", "hydra.sweep.dir"])
def test_two_commands_at_once_in_one_directory_are_refused(place, command, tmp_path):
    settings = (*(("-m",) if place == "hydra.sweep.dir" else ()), "steps=40", "logger=none")
    held = [sys.executable, "-c", HOLD, str(tmp_path / "here")]
    with Popen(held, stdin=PIPE, stdout=PIPE, cwd=ROOT) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == b"held\n"
        refused = command(*settings, f"{place}=here")
        assert refused.status == 1
        assert refused.error.splitlines() == [
            "error: directory=here: another command is at work there"
        ]
        assert [file.name for file in (tmp_path / "here").iterdir()] == [".lock"]
        other.kill()
    assert command(*settings, f"{place}=here").status == 0


def test_resume_true_prefers_the_one_in_which_something_was_trained(
    command, stopping_at, monkeypatch, tmp_path
):
    settings = ("-m", "sparsity=0.9", "steps=300", "logger=none")
    with stopping_at(200):
        assert command(*settings, "callbacks.checkpoint.minutes=0").status == 1
    (first,) = tmp_path.glob("outputs/*/*")
    with monkeypatch.context() as patch:  # stopped as soon as it had begun
        patch.setattr("sup.sweep.train.train", lambda *_: sys.exit(130))
        assert command(*settings, "callbacks.checkpoint.minutes=0").status == 130
    outcome = command(*settings, "callbacks.checkpoint.minutes=0", "++resume=true")
    assert f"resume: {first.relative_to(tmp_path)}" in outcome.out
    assert "going on from" in outcome.out


def test_resume_true_passes_over_what_was_told_where_to_write_or_cannot_be_read(command, tmp_path):
    settings = ("-m", "sparsity=0.9", "steps=40", "logger=none")
    assert command(*settings, "hydra.sweep.dir=outputs/article/small").status == 0
    broken = tmp_path / "outputs" / "9999-01-01" / "00-00-00" / "multirun.yaml"
    broken.parent.mkdir(parents=True)
    broken.write_text("hydra: 'cut")
    assert "no earlier sweep" in command(*settings, "resume=true").error
    assert command(*settings).status == 0
    outcome = command(*settings, "resume=true")
    assert outcome.status == 0
    assert "resume: outputs/2" in outcome.out
    (table,) = tmp_path.glob("outputs/2*/*/sweep.csv")
    assert table.read_text().startswith("job,sparsity,steps,logger,status,")


def test_a_directory_with_a_quote_in_it_is_found(command):
    settings = ("-m", "sparsity=0.9", "steps=40", "logger=none", '++hydra.sweep.dir="it\'s here"')
    assert command(*settings).status == 0
    assert "1 of 1 runs finished before" in command(*settings, "resume=true").out


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (["hydra.output_subdir=null"], "hydra.output_subdir=None: must be .hydra, where"),
        (["tags=[" + 65 * "a" + "]"], ": must be a list of words of 1 to 64 letters"),
        (
            ["hydra/sweeper=basic", "hydra/launcher=basic"],
            "hydra/launcher=basic: trains the jobs of hydra/sweeper=checked only; "
            "use hydra/launcher=stacked",
        ),
    ],
)
def test_what_a_command_cannot_be_asked(overrides, message, command, tmp_path):
    outcome = command("-m", "sparsity=0.9", "steps=40", "logger=none", *overrides)
    assert outcome.status == 1
    assert message in outcome.error
    assert len(outcome.error.strip().splitlines()) == 1
    assert not list(tmp_path.iterdir())


def test_resume_true_in_a_config_file_is_not_passed_over():
    hydra = {"overrides": {"task": []}, "output_subdir": ".hydra"}
    with pytest.raises(SettingError, match="resume=true: must be given on the command line"):
        check_command(OmegaConf.create({"resume": True, "hydra": hydra}))


def test_an_earlier_jobs_failure_is_not_this_commands(command, tmp_path):
    settings = ("-m", "sparsity=0,0.9", "steps=40", "logger=none", PLACE)
    assert command(*settings).status == 0
    (tmp_path / "sweep" / "1" / "results.nc").unlink()
    (tmp_path / "sweep" / "1" / "error.txt").write_text("ValueError: no such luck")
    assert command("-m", "sparsity=0", *settings[2:]).status == 0
    assert "no such luck" in (tmp_path / "sweep" / "sweep.csv").read_text()


def test_what_was_logged_before_is_kept(command, stopping_at, tmp_path):
    settings = ("steps=300", "callbacks.checkpoint.minutes=0", "~callbacks.images")
    assert command(*settings, "logger=csv", "hydra.run.dir=undisturbed").status == 0
    for logger in ("csv", "wandb"):
        with stopping_at(200):
            assert command(*settings, f"logger={logger}", f"hydra.run.dir={logger}").status == 1
        assert command(*settings, f"logger={logger}", f"hydra.run.dir={logger}").status == 0
    rows = [(tmp_path / name / "csv" / "metrics.csv") for name in ("undisturbed", "csv")]
    one, other = (list(csv.DictReader(file.read_text().splitlines())) for file in rows)
    assert [row["step"] for row in other] == [row["step"] for row in one]
    assert [row["loss"] for row in other] == [row["loss"] for row in one]
    parts = [folder.name.split("-") for folder in tmp_path.glob("wandb/wandb/offline-run-*")]
    assert len(parts) == 2  # before the stop and after it
    assert len({identity for *_, identity in parts}) == 1  # of one and the same W&B run


def test_what_starts_anew_leaves_no_second_wandb_run(command, tmp_path):
    settings = ("-m", "sparsity=0,0.9", "steps=40", "~callbacks.images", PLACE)
    assert command(*settings).status == 0
    for results in tmp_path.glob("sweep/*/results.nc"):
        results.unlink()
    shutil.rmtree(tmp_path / "sweep" / "checkpoints")
    assert command(*settings).status == 0
    for place in ("0", "1", "."):
        assert len([*(tmp_path / "sweep" / place).glob("wandb/offline-run-*")]) == 1


def test_a_single_run_too(command, tmp_path):
    settings = ("steps=40", "logger=none", "hydra.run.dir=run")
    assert command(*settings).status == 0
    assert "1 of 1 runs finished before" in command(*settings).out
    assert "holds results" in command(*settings, "sparsity=0.9").error


def test_resume_true_finds_the_latest_of_the_same_command_and_says_which(command, tmp_path):
    for swept, results in [(("-m",), "*/results.nc"), ((), "results.nc")]:
        settings = (*swept, "sparsity=0.9", "steps=40", "logger=none")
        nothing = command(*settings, "resume=true")
        assert nothing.status == 1
        assert "error: resume=true: no earlier " in nothing.error
        for other in ("seed=1", "seed=0"):
            assert command(*settings, other).status == 0
        first, second = sorted(one for one in tmp_path.glob("outputs/*/*") if [*one.glob(results)])
        next(second.glob(results)).unlink()
        outcome = command(*settings, "seed=0", "resume=true")
        assert outcome.status == 0
        assert f"resume: {second.relative_to(tmp_path)}" in outcome.out
        assert "going on from" in outcome.out
        assert len([*second.glob(results)]) == 1
        assert "1 of 1 runs finished before" in command(*settings, "seed=1", "resume=true").out
        for one in (first, second):
            next(one.glob(results)).unlink()  # not to be found by the next
        (first / "multirun.yaml").unlink(missing_ok=True)
