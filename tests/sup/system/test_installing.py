"""Set-up: what is said of it, and that each target of make installs what it needs, and no more."""

import subprocess
from pathlib import Path

import pytest

from sup.system import installing

ROOT = Path(__file__).parents[3]

PIP = """\
Looking in indexes: https://pypi.org/simple
Obtaining file:///home/me/superposition
  Installing build dependencies: started
Processing /wheels/torch-2.13.0+cpu-cp311-cp311-manylinux_2_28_x86_64.whl (from here)
Collecting hydra-core<1.4,>=1.3.8 (from superposition==0.1.0)
  Downloading hydra_core-1.3.8-py3-none-any.whl (168 kB)
     ------ 168.9/168.9 kB 113.8 MB/s eta 0:00:00
Installing collected packages: torch, hydra-core, superposition
  Attempting uninstall: setuptools
Successfully installed hydra-core-1.3.8 torch-2.13.0+cpu superposition-0.1.0
"""
"""What pip 23.2 writes, shortened."""


def test_each_stage_says_how_far_it_is(tmp_path: Path):
    (tmp_path / "pip-23.2.1.dist-info").mkdir()
    stages = list(installing.stages_of(PIP.splitlines(keepends=True), tmp_path))
    assert [(stage, far()) for stage, far in stages] == [
        ("collecting packages", "superposition"),
        ("collecting packages", "torch"),
        ("collecting packages", "hydra-core"),
        ("collecting packages", "downloading hydra_core (168 kB)"),
        ("unpacking 3 packages", "0 done"),
    ]
    (tmp_path / "torch-2.13.0+cpu.dist-info").mkdir()
    assert stages[-1][1]() == "1 done"


def test_a_log_has_a_line_for_each_stage(capsys: pytest.CaptureFixture[str]):
    stages = installing.Stages()
    for _ in range(3):
        stages.say("collecting packages", str)
    stages.say("unpacking 3 packages")
    stages.end()
    assert capsys.readouterr().out == "  collecting packages\n  unpacking 3 packages\n"


def test_where_pip_fails_its_words_are_shown(tmp_path: Path):
    (tmp_path / "lib" / "python3.11" / "site-packages").mkdir(parents=True)
    python = tmp_path / "bin" / "python"
    python.parent.mkdir()
    python.write_text("#!/bin/sh\necho 'ERROR: No matching distribution found for torch'\nexit 1\n")
    python.chmod(0o755)
    with pytest.raises(SystemExit, match="No matching distribution found for torch"):
        installing.run_pip(python, ".", installing.Stages())


@pytest.fixture
def environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make an environment in which nothing can be imported, and in which pip has no work to do."""
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "pip").touch()
    python = tmp_path / "bin" / "python"
    python.write_text("#!/bin/sh\necho Traceback >&2\necho 'ImportError: no libGL' >&2\nexit 1\n")
    python.chmod(0o755)
    monkeypatch.setattr(installing, "run_pip", lambda *given: None)
    return tmp_path


def test_what_cannot_be_compiled_is_said_and_ends_nothing(environment: Path, capsys):
    installing.main([str(environment)])
    *_, failed, last = capsys.readouterr().out.splitlines()
    assert failed.endswith("takes longer: ImportError: no libGL")
    assert last.startswith("  set up in")


def test_ctrl_c_is_said_in_one_line(environment: Path, monkeypatch, capsys):
    def stopped(*given: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(installing, "run_pip", stopped)
    with pytest.raises(SystemExit) as end:
        installing.main([str(environment)])
    assert end.value.code == 130
    assert "the same command completes it" in capsys.readouterr().out.splitlines()[-1]


def test_an_environment_that_was_left_without_pip_is_made_again(
    environment: Path, monkeypatch: pytest.MonkeyPatch
):
    made = []
    monkeypatch.setattr(installing.venv, "create", lambda where, **how: made.append(where))
    installing.install(environment, [])
    assert made == []
    (environment / "bin" / "pip").unlink()  # as Ctrl-C may leave it
    installing.install(environment, [])
    assert made == [environment]


@pytest.mark.parametrize(
    ("target", "needs_dev"), [("run", False), ("article", False), ("test", True), ("docs", True)]
)
def test_training_does_not_wait_for_what_tests_need(target: str, needs_dev: bool, tmp_path: Path):
    make = ["make", "-n", "-C", ROOT, f"VENV={tmp_path}/none", target]
    said = subprocess.run(make, capture_output=True, text=True, check=True).stdout
    (setting_up,) = (line for line in said.splitlines() if "sup.system.installing" in line)
    assert setting_up.endswith(" dev") == needs_dev
