"""Loggers: a CSV file that no kill can spoil, and several loggers for one run."""

import csv
import os
import pathlib

import numpy as np
import pytest
from lightning.pytorch.utilities import rank_zero_only

import sup
from sup.config.rules import SettingError
from sup.training.csv_logger import CSVRows
from sup.training.loggers import Several, log_image, no_logger, open_loggers, takes_pictures

TINY = ("n_features=5", "n_hidden=2", "steps=10", "batch_size=64")
STEPS = (1, 2, 3, 5, 8)
TRUTH = [(str(step), str(step / 2), "0.25" if step == 8 else "") for step in STEPS]


class Killed(BaseException):
    """What stands for the end of the process."""


def log(directory, steps) -> None:
    """Log as a command does that has these steps to go: at the last, with a further column."""
    logger = CSVRows(directory)
    for step in steps:
        logger.log_metrics({"training_loss": step / 2}, step)
    logger.log_metrics({"training_loss": STEPS[-1] / 2, "loss": 0.25}, STEPS[-1])


def rows(directory) -> list[tuple[str, str, str]]:
    held = csv.DictReader((directory / "csv" / "metrics.csv").read_text().splitlines())
    return [(row["step"], row["training_loss"], row.get("loss") or "") for row in held]


@pytest.fixture
def dying(monkeypatch):
    """Have the process die at the n-th operation on files, before it is done; count them all."""
    calls = [0, 0]

    def counted(real):
        def call(*args, **kwargs):
            calls[0] += 1
            if calls[0] == calls[1]:  # never at 0
                raise Killed
            return real(*args, **kwargs)

        return call

    for owner, name in ((os, "replace"), (os, "fsync"), (pathlib.Path, "open")):
        monkeypatch.setattr(owner, name, counted(getattr(owner, name)))
    monkeypatch.setattr(pathlib.Path, "mkdir", counted(pathlib.Path.mkdir))

    def at(operation: int):
        calls[:] = [0, operation]

    return at, calls


def test_no_kill_costs_a_row_of_the_csv_file(tmp_path, dying):
    die, _ = dying
    begun, operation = 3, 0  # the checkpoint is behind what is logged, as it is between two of them
    while True:
        operation += 1
        directory = tmp_path / str(operation)
        directory.mkdir()
        die(0)
        log(directory, STEPS[:-1])
        die(operation)
        try:
            log(directory, [step for step in STEPS[:-1] if step >= begun])
        except Killed:
            die(0)
            left = rows(directory)
            assert [row for row in left if int(row[0]) < begun] == TRUTH[:2]
            assert len(set(left)) == len(left)
            log(directory, [step for step in STEPS[:-1] if step >= begun])
            assert rows(directory) == TRUTH
        else:
            die(0)
            assert rows(directory) == TRUTH
            break
    assert operation > 8  # of which each was the last one once


@pytest.mark.parametrize("torn", range(1, 8))
def test_a_row_that_was_cut_off_is_written_again(tmp_path, torn):
    log(tmp_path, STEPS[:-1])
    file = tmp_path / "csv" / "metrics.csv"
    file.write_bytes(file.read_bytes()[:-torn])
    log(tmp_path, ())
    assert rows(tmp_path) == TRUTH


def test_a_file_that_is_no_table_of_rows_does_not_stop_a_run(tmp_path):
    file = tmp_path / "csv" / "metrics.csv"
    file.parent.mkdir()
    file.write_bytes(b"training_loss,step\n1,2,3,4\n\xff\0,x\n5,\xc2\xb2\n0.5,1\n")
    log(tmp_path, STEPS[1:-1])
    assert rows(tmp_path) == TRUTH


def test_a_row_is_added_without_writing_those_before(tmp_path, dying):
    die, calls = dying
    log(tmp_path, ())
    logger = CSVRows(tmp_path)
    logger.log_metrics({"loss": 1.0}, 9)
    die(0)
    for step in range(10, 30):
        logger.log_metrics({"loss": 1.0}, step)
    assert calls[0] == 20  # a file is opened for each, and none replaced


def test_several_loggers_each_get_all(make_run, train_runs):
    run = make_run("logger=[csv,tensorboard,wandb]", "logger.project=mine", *TINY)
    (results,) = train_runs(run)
    assert run.settings.logger.name == "csv,tensorboard,wandb"
    for pattern in ("csv/metrics.csv", "tensorboard/events*", "wandb/offline-run-*"):
        assert len([*run.directory.glob(pattern)]) == 1, pattern
    again = sup.Settings.of_results(results)
    assert again.logger == run.settings.logger
    assert again.logger.name == run.settings.logger.name
    assert again.logger.parameters["wandb"]["project"] == "mine"


@pytest.mark.parametrize("logger", ["tensorboard", "csv"])
def test_a_rank_from_elsewhere_silences_no_logger(logger, make_run, monkeypatch):
    monkeypatch.setattr(rank_zero_only, "rank", 1, raising=False)
    run = make_run(f"logger={logger}")
    with open_loggers([run]) as loggers:
        loggers[run].log_metrics({"loss": 0.5}, 1)
    assert [*run.directory.glob(f"{logger}/*")]


def test_several_loggers_are_a_list_in_python_too():
    settings = sup.Settings(logger=["csv", "wandb"], logger_project="mine")
    shown = "Settings(logger=['csv', 'wandb'], logger_project='mine')"
    assert repr(settings) == shown
    assert eval(f"sup.{shown}").logger == settings.logger
    assert sup.Settings(logger=["csv"]).logger == sup.Settings(logger="csv").logger


BAD_LOGGERS = (
    ({"logger": ["csv", "csv"]}, "each once"),
    ({"logger": ["csv", "none"]}, "one or more of csv, mlflow, tensorboard, wandb"),
    ({"logger": []}, "one or more of"),
    ({"logger": ["csv", "tensorboard"], "logger_project": "x"}, "logger_project=x: the chosen"),
    ({"logger": ["csv", "wandb"], "logger_project": ["x"]}, "logger.project="),
    ({"logger": "wandb", "logger_project": "a/b"}, "logger.project=a/b: must be"),
)


@pytest.mark.parametrize(("given", "message"), BAD_LOGGERS)
def test_loggers_that_cannot_be_are_refused(given, message):
    with pytest.raises(SettingError, match=message):
        sup.Settings(**given)


def test_the_command_takes_several_loggers(command, tmp_path):
    quick = (*TINY, "figures=none")
    swept = ("-m", "activation=relu,gelu", "logger=[csv,tensorboard]", "hydra.sweep.dir=sweep")
    assert command(*swept, *quick).status == 0
    assert len([*tmp_path.glob("sweep/?/csv/metrics.csv")]) == 2
    assert len([*tmp_path.glob("sweep/?/tensorboard/events*")]) == 2
    assert not (tmp_path / "sweep" / "csv").exists()
    refused = command("logger=[csv,none]", *quick, "hydra.run.dir=run")
    assert refused.status == 1
    assert refused.error == (
        "error: logger=[csv, none]: a list must have one or more of csv, mlflow, tensorboard, "
        "wandb, each once"
    )
    assert not (tmp_path / "run").exists()


def test_a_logger_without_pictures_takes_none(make_run):
    run = make_run("logger=csv")
    silent, csv_only = no_logger(run), run.settings.logger.make(run)
    assert not any(map(takes_pictures, (silent, csv_only, Several([silent, csv_only]))))
    log_image(Several([csv_only]), "W^T W", np.zeros((2, 2, 3), dtype=np.uint8), 0)


def test_no_picture_is_painted_for_a_csv_file(make_run, train_runs, monkeypatch):
    def never(*_):
        raise AssertionError

    monkeypatch.setattr("sup.figures.tiles.gram_picture", never)
    images = "{_target_: sup.callbacks.GramImages}"
    train_runs(make_run("logger=csv", "steps=10", f"+callbacks.images={images}"))
