"""What is printed can be typed: commands, as shells read them and as they are checked; Python."""

import importlib.util
import json
import re
import shlex
import shutil
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
import xarray as xr

import sup
from sup.cli.helping import START
from sup.config.topics import TOPICS

ROOT = Path(__file__).parent.parent

PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]

NOTEBOOKS = sorted((ROOT / "examples").glob("*.ipynb"))

OF_TOPICS = [f"  {{program}} {one}" for topic in TOPICS.values() for one in topic.examples]

HELP = "\n".join([START, *OF_TOPICS]).replace("{program}", "python train.py")

TRAPS = ("seed=0", "seed=1", "sparsity=0", "seed=r", "importance.values=1", "activation.epsilon=0")
"""Files that an unquoted list would be taken for, as a pattern."""

SHELLS = [shell for shell in ("bash", "zsh") if shutil.which(shell)]

EXPERIMENTS = {path.stem for path in (ROOT / "conf" / "experiment").glob("*.yaml")}

SEVEN = "activation: linear,relu,gelu,silu,sigmoid,tanh,solu"
"""What an experiment sweeps over that is of all activations of the article."""

ELSEWHERE = ("2026-01-31", "submitit_slurm", "launcher=ray", "search", "optuna", "mlflow")
"""What names a directory or an extra that is not here."""

SWEEP = Path("outputs/2026-01-31/12-00-00-000000")
"""What pages call a sweep that was trained."""

FILE = re.compile(r"^```\{code-block\} (?:python|yaml)\n:caption: (\S+)\n\n(.*?)^```$", re.M | re.S)
"""A file that pages have a reader write: its name and its text."""

FEW = 20
"""Steps, in the place of thousands."""

PYTHON = re.compile(r"^ *```python\n(.*?)^ *```$", re.M | re.S)
"""What they have a reader run in Python."""

LINK = re.compile(r"\]\((?!https?:|#)([^)#]+)(#[^)]*)?\)")
"""To a page or a picture of this project."""

PATTERN = "..."
"""In what is no command, but the pattern of some."""


def between_code(notebook: Path) -> str:
    """Return what a notebook says beside its code."""
    cells = json.loads(notebook.read_text("utf-8"))["cells"]
    return "\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown")


def commands() -> list[str]:
    """Return the commands of this project in README, docs, notebooks and help, each once."""
    said = [page.read_text("utf-8") for page in PAGES] + [*map(between_code, NOTEBOOKS)]
    texts = [text.replace("\\\n", " ") for text in said]
    found = [re.findall(r"^ *(python (?:train|-m sup).*)$", text, re.M) for text in texts]
    found += [re.findall(r"`(python (?:train|-m sup)[^`]*)`", text) for text in texts]
    found.append(re.findall(r"^  (python train.*?)(?:   .*)?$", HELP, re.M))
    each = dict.fromkeys(line.partition("  #")[0].strip() for lines in found for line in lines)
    return [line for line in each if PATTERN not in line]


@pytest.fixture
def own_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Write the files that pages have a reader write, and work beside them."""
    for page in PAGES:
        for name, text in FILE.findall(page.read_text("utf-8")):
            place = tmp_path / name
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text(text)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.chdir(tmp_path)
    yield tmp_path
    for name, module in list(sys.modules.items()):  # another test has other files of these names
        if str(getattr(module, "__file__", "")).startswith(str(tmp_path)):
            del sys.modules[name]


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


def fewer(words: list[str]) -> list[str]:
    """Return a command with two of an experiment's activations, where it trains all seven.

    That it does is for `tests/sup/cli/test_experiments.py`; each takes a quarter of a second.
    """
    experiments = [word.removeprefix("experiment=") for word in words if "experiment=" in word]
    texts = [(ROOT / "conf" / "experiment" / f"{name}.yaml").read_text() for name in experiments]
    has_seven = any(SEVEN in text for text in texts)
    is_chosen = any(word.startswith("activation=") for word in words)
    return [*words, "activation=linear,relu"] if has_seven and not is_chosen else words


class Reached(BaseException):
    """The command has been checked, and would train."""


@pytest.mark.parametrize(
    "line", [line for line in commands() if line.startswith("python train.py")]
)
def test_it_would_train(line: str, command, own_files: Path, monkeypatch):
    few = line.replace("range(100)", "range(3)")
    words = shlex.split(few, comments=True)[2:]
    if any(name in line for name in ELSEWHERE):
        pytest.skip("names what is not here")
    if any(word.startswith(("--help", "--version", "--cfg", "--hydra-help")) for word in words):
        assert command(*words).status == 0
        return

    def train(*_: object) -> None:
        raise Reached

    monkeypatch.setattr("sup.sweep.train.train", train)
    if "resume=true" in words:
        assert "no earlier sweep of the same overrides" in command(*words).error
        return
    with pytest.raises(Reached):
        command("--config-dir", str(own_files / "conf"), *fewer(words))


def test_there_are_many():
    assert len(commands()) > 20


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Train and save what pages suppose to be there."""
    folder = tmp_path_factory.mktemp("trained")
    axes = {"activation": ["relu", "gelu"], "sparsity": [0, 0.9]}
    sup.train(**axes, steps=FEW, directory=folder / SWEEP, figures="none")
    torch.save({"W": torch.rand(3, 10, 5), "b_final": torch.zeros(3, 10)}, folder / "toy.pt")
    return folder


@pytest.mark.parametrize(
    "page", [page for page in PAGES if PYTHON.search(page.read_text("utf-8"))], ids=lambda p: p.stem
)
def test_its_python_runs(
    page: Path, trained: Path, own_files: Path, no_figures: None, monkeypatch: pytest.MonkeyPatch
):
    """All blocks of a page, one after the other, and shorter trainings."""
    import matplotlib as mpl
    import matplotlib.pyplot as plt

    train = sup.train

    def train_shortly(*settings: Any, **changes: Any) -> xr.Dataset:
        return train(*settings, **changes) if settings else train(**{**changes, "steps": FEW})

    shutil.copytree(trained, own_files, dirs_exist_ok=True)
    monkeypatch.setattr(sup, "train", train_shortly)
    blocks = PYTHON.findall(page.read_text("utf-8"))
    names: dict[str, Any] = {}
    with mpl.rc_context({"backend": "agg"}):
        for text in blocks:
            exec(compile(textwrap.dedent(text), page.name, "exec"), names)
        plt.close("all")


@pytest.mark.parametrize(
    "page", [ROOT / "README.md", ROOT / "CONTRIBUTING.md"], ids=lambda p: p.stem
)
def test_its_links_lead_somewhere(page: Path):
    """Those of the site's pages are Sphinx's to follow."""
    for place, _ in LINK.findall(page.read_text("utf-8")):
        assert (page.parent / place).exists(), place


def is_in_style(folder: Path) -> bool:
    """Tell what `make test` begins with."""
    ruff = [sys.executable, "-m", "ruff"]
    each = ([*ruff, "check", "--no-cache", "."], [*ruff, "format", "--no-cache", "--check", "."])
    done = [subprocess.run(one, cwd=folder, capture_output=True, check=False) for one in each]
    return not any(one.returncode for one in done)


def test_files_that_a_reader_writes_pass_the_checks_of_ours(own_files: Path):
    shutil.copy(ROOT / "pyproject.toml", own_files)
    shutil.copytree(own_files, own_files / "sup", ignore=shutil.ignore_patterns("conf", "sup"))
    assert len([*(own_files / "sup").glob("my_*.py")]) >= 3
    assert is_in_style(own_files)


def test_a_reader_may_write_otherwise(tmp_path: Path):
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    (tmp_path / "my_activations.py").write_text(
        "import torch\ndef f( z ): return torch.relu( z )\n"
    )
    assert is_in_style(tmp_path)
    (tmp_path / "sup").mkdir()
    shutil.copy(tmp_path / "my_activations.py", tmp_path / "sup")
    assert not is_in_style(tmp_path)


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
