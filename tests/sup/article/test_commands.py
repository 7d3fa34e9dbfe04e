"""`python -m sup.article` runs commands, and ends as they do."""

import sys
from pathlib import Path
from typing import Any

import pytest

from sup.article import __main__ as article
from sup.article.__main__ import EXPERIMENTS, QUICK

FAILS = 3


@pytest.fixture
def commands(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """Keep the commands that are started, in the place of which a short one runs."""
    started: list[list[str]] = []

    class Process:
        def __init__(self, command: list[str]):
            started.append(command)

        def wait(self) -> int:
            return FAILS if any("fail" in word for word in started[-1]) else 0

    monkeypatch.setattr("subprocess.Popen", Process)
    return started


@pytest.mark.parametrize(("form", "own"), [((), EXPERIMENTS), (("--quick",), QUICK)])
def test_each_experiment_is_a_command_and_so_is_the_report(
    form: Any, own: dict, commands: list[list[str]], tmp_path: Path
):
    article.main([*form, "--directory", str(tmp_path), "trainer=cpu"])
    *trained, report = commands
    for command, (name, changes) in zip(trained, own.items(), strict=True):
        asked = [f"experiment={name}", *changes, f"hydra.sweep.dir='{tmp_path / name}'"]
        assert command == [sys.executable, "-m", "sup", *asked, "trainer=cpu"]
    places = [str(tmp_path / name) for name in own]
    output = str(tmp_path / "report.html")
    assert report == [sys.executable, "-m", "sup.report", *places, "--output", output]


def test_it_ends_with_the_status_of_a_command_that_fails(commands: list[list[str]]):
    with pytest.raises(SystemExit) as raised:
        article.main(["steps=fail"])
    assert raised.value.code == FAILS
    assert len(commands) == 1


def test_a_command_is_run(capfd: pytest.CaptureFixture[str]):
    article.run("json.tool", ["--help"])
    assert "usage" in capfd.readouterr().out
    with pytest.raises(SystemExit) as raised:
        article.run("json.tool", ["no such file"])
    assert raised.value.code
