"""What the end of a command says to do works as it is written."""

import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from sup.cli.summary import wandb_command


def test_the_command_is_found_without_an_activated_environment(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    monkeypatch.chdir(tmp_path)
    line = f"{wandb_command()} leet --help"
    shown = subprocess.run(line, check=True, shell=True, capture_output=True, text=True).stdout
    assert "Lightweight Experiment Exploration Tool" in shown


@pytest.fixture
def installed(monkeypatch, tmp_path):
    """Have Python and W&B's command in a folder, and another such command in another."""
    for folder in ("my own/bin", "theirs"):
        place = tmp_path / folder
        place.mkdir(parents=True)
        (place / "wandb").write_text("#!/bin/sh\n")
        (place / "wandb").chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(tmp_path / "my own/bin/python"))
    monkeypatch.chdir(tmp_path)
    return tmp_path / "my own/bin"


def test_where_it_is_in_the_path_its_name_is_enough(installed, monkeypatch):
    monkeypatch.setenv("PATH", f"{installed}:/bin")
    assert wandb_command() == "wandb"


@pytest.mark.parametrize(
    ("here", "shown"),
    [(".", "my own/bin/wandb"), ("my own", "bin/wandb"), ("my own/bin", "./wandb")],
)
def test_another_in_the_path_is_not_ours(here, shown, installed, monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path / "theirs"))
    monkeypatch.chdir(tmp_path / here)
    assert shlex.split(wandb_command()) == [shown]


def test_without_the_command_python_is_asked(installed, monkeypatch):
    monkeypatch.setenv("PATH", "/bin")
    Path(installed, "wandb").unlink()
    assert shlex.split(wandb_command()) == [str(installed / "python"), "-m", "wandb"]
