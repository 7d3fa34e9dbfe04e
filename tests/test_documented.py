"""Every command that is printed somewhere is one: as bash and zsh read it, and as it is checked."""

import importlib.util
import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest

from sup.cli.store import HELP

ROOT = Path(__file__).parent.parent

PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]

TRAPS = ("seed=0", "seed=1", "sparsity=0", "seed=r", "importance.values=1", "activation.epsilon=0")
"""Files that an unquoted list would be taken for, as a pattern."""

SHELLS = [shell for shell in ("bash", "zsh") if shutil.which(shell)]

EXPERIMENTS = {path.stem for path in (ROOT / "conf" / "experiment").glob("*.yaml")}

ELSEWHERE = (
    "2026-01-31",
    "submitit_slurm",
    "launcher=ray",
    "search",
    "optuna",
    "activation=shrink",
)
"""What names a directory, an extra or a file that is not here."""


def commands() -> list[str]:
    """Return the commands of this project in README, docs and help, each once."""
    texts = [page.read_text("utf-8").replace("\\\n", " ") for page in PAGES]
    found = [re.findall(r"^ *(python (?:train|-m sup).*)$", text, re.M) for text in texts]
    found += [re.findall(r"`(python (?:train|-m sup)[^`]*)`", text) for text in texts]
    found.append(re.findall(r"^  (python train.*?)(?:   .*)?$", HELP, re.M))
    return list(dict.fromkeys(line.strip() for lines in found for line in lines))


@pytest.mark.parametrize("shell", SHELLS)
def test_a_shell_reads_them_as_they_are_meant(shell: str, tmp_path: Path):
    for name in TRAPS:
        (tmp_path / name).touch()
    lines = commands()
    script = "".join(f"printf '%s\\0' {line}\nprintf '\\n'\n" for line in lines)
    read = subprocess.run([shell, "-c", script], cwd=tmp_path, capture_output=True, check=True)
    assert read.stderr == b""
    for line, words in zip(lines, read.stdout.decode().split("\n"), strict=False):
        assert words.split("\0")[:-1] == shlex.split(line, comments=True), line


class Reached(BaseException):
    """The command has been checked, and would train."""


@pytest.mark.parametrize(
    "line", [line for line in commands() if line.startswith("python train.py")]
)
def test_it_would_train(line: str, command, monkeypatch):
    few = line.replace("range(100)", "range(3)")
    words = shlex.split(few, comments=True)[2:]
    if any(name in line for name in ELSEWHERE):
        pytest.skip("names what is not here")
    if "--help" in words or any(word.startswith(("--cfg", "--hydra-help")) for word in words):
        assert command(*words).status == 0
        return

    def train(*_: object) -> None:
        raise Reached

    monkeypatch.setattr("sup.sweep.train.train", train)
    if "resume=true" in words:
        assert "no earlier sweep of the same overrides" in command(*words).error
        return
    with pytest.raises(Reached):
        command(*words)


def test_there_are_many():
    assert len(commands()) > 20


def test_the_gallery_has_a_picture_of_each_experiment():
    place = ROOT / "docs" / "gallery.py"
    spec = importlib.util.spec_from_file_location("gallery", place)
    assert spec
    assert spec.loader
    gallery = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(gallery)
    shown = [picture.experiment for picture in gallery.PICTURES]
    assert sorted([*shown, *gallery.WITHOUT]) == sorted(EXPERIMENTS)
    assert all((ROOT / "docs" / "gallery" / f"{name}.png").exists() for name in shown)
    assert (ROOT / "docs" / "gallery.md").read_text() == gallery.page(), "run `make gallery`"
